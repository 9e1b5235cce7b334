//! What was tolerated.
//!
//! Identity providers send more than the RFCs allow. What is let pass is written down here as sentences, so that an
//! administrator can see why an attribute never arrived. Notes name attributes, never values: they end up in logs.

/// No request needs more notes than this to be understood; a hostile one could ask for millions.
const MOST: usize = 100;

/// What was tolerated while reading one request, as sentences such as ``ignored attribute `title2` ``.
///
/// Each sentence is kept once, and only the first hundred.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes(Vec<String>);

impl Notes {
    /// No notes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Add one sentence.
    pub fn add(&mut self, sentence: impl Into<String>) {
        let sentence = sentence.into();
        if self.0.len() < MOST && !self.0.contains(&sentence) {
            self.0.push(sentence);
        }
    }

    /// Take over the sentences of `other`.
    pub fn extend(&mut self, other: Notes) {
        for sentence in other.0 {
            self.add(sentence);
        }
    }

    /// Whether everything was as the RFCs have it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sentences, in the order in which they arose.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The sentences, owned.
    pub fn into_vec(self) -> Vec<String> {
        self.0
    }
}

/// A client's text in backticks, cut so that neither a log line nor an answer grows with the input. It holds no backtick itself, so
/// that what is the client's can be told from what is ours.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown: String = text.chars().take(LONGEST).filter(|c| !c.is_control()).map(|c| if c == '`' { '\'' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}
