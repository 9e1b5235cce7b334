//! From text to [`Filter`], by recursive descent: one function per level of precedence.

use serde_json::Number;

use super::{CompValue, Filter, MAX_DEPTH, MAX_LENGTH, MAX_TERMS, Op};
use crate::attribute::AttributeRef;
use crate::error::Error;
use crate::notes::quoted;

pub(super) fn filter(text: &str) -> Result<Filter, Error> {
    let mut parser = Parser::new(text)?;
    let filter = parser.any(Within::Resource)?;
    parser.end()?;
    Ok(filter)
}

/// `attrPath ["[" valFilter "]" ["." subAttr]]`, the PATCH path of RFC 7644 §3.5.2. The errors speak of filters; the
/// caller gives them their keyword.
pub(crate) fn value_path(text: &str) -> Result<(AttributeRef, Option<Filter>, Option<String>), Error> {
    let mut parser = Parser::new(text)?;
    let attribute = parser.attribute()?;
    let (filter, sub) =
        if parser.take(&Token::OpenBracket) { (Some(parser.in_brackets()?), parser.sub_attribute()?) } else { (None, None) };
    parser.end()?;
    Ok((attribute, filter, sub))
}

#[derive(Clone, Debug, PartialEq)]
enum Token<'t> {
    Open,
    Close,
    OpenBracket,
    CloseBracket,
    Text(String),
    Word(&'t str),
}

/// The text of a JSON string. U+0000 may hide in an escape.
fn unescaped(token: &str) -> Result<String, Error> {
    let text: String =
        serde_json::from_str(token).map_err(|_| Error::invalid_filter(format!("{} is not a JSON string.", quoted(token))))?;
    if text.contains('\0') { Err(Error::invalid_filter("The filter holds the character U+0000.")) } else { Ok(text) }
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, Error> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string_length(rest).ok_or_else(|| Error::invalid_filter("A string has no end."))?,
            '(' | ')' | '[' | ']' => 1,
            _ => rest.find(|c: char| c.is_whitespace() || "()[]\"".contains(c)).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        tokens.push(match first {
            '"' => Token::Text(unescaped(token)?),
            '(' => Token::Open,
            ')' => Token::Close,
            '[' => Token::OpenBracket,
            ']' => Token::CloseBracket,
            _ => Token::Word(token),
        });
        rest = after.trim_start();
    }
    Ok(tokens)
}

/// The length of the JSON string at the start of `text`, with its quotes.
fn string_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (position, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(position + 1),
            _ => {}
        }
    }
    None
}

/// Where an expression stands: a value path holds no further value path.
#[derive(Clone, Copy, PartialEq)]
enum Within {
    Resource,
    ValuePath,
}

struct Parser<'t> {
    tokens: Vec<Token<'t>>,
    next: usize,
    depth: usize,
    terms: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Result<Self, Error> {
        if text.len() > MAX_LENGTH {
            return Err(Error::invalid_filter(format!("The filter is longer than {MAX_LENGTH} bytes.")));
        }
        if text.contains('\0') {
            return Err(Error::invalid_filter("The filter holds the character U+0000."));
        }
        Ok(Self { tokens: tokens(text)?, next: 0, depth: 0, terms: 0 })
    }

    fn any(&mut self, within: Within) -> Result<Filter, Error> {
        let mut filters = vec![self.all(within)?];
        while self.take_word("or") {
            filters.push(self.all(within)?);
        }
        Ok(single_or(filters, Filter::Or))
    }

    fn all(&mut self, within: Within) -> Result<Filter, Error> {
        let mut filters = vec![self.factor(within)?];
        while self.take_word("and") {
            filters.push(self.factor(within)?);
        }
        Ok(single_or(filters, Filter::And))
    }

    fn factor(&mut self, within: Within) -> Result<Filter, Error> {
        if self.take_word("not") {
            self.expect(Token::Open, "`not` needs parentheses")?;
            return Ok(Filter::Not(Box::new(self.in_parentheses(within)?)));
        }
        if self.take(&Token::Open) {
            return self.in_parentheses(within);
        }
        self.term(within)
    }

    fn in_parentheses(&mut self, within: Within) -> Result<Filter, Error> {
        self.nested(|parser| {
            let filter = parser.any(within)?;
            parser.expect(Token::Close, "a closing parenthesis is missing")?;
            Ok(filter)
        })
    }

    fn in_brackets(&mut self) -> Result<Filter, Error> {
        self.nested(|parser| {
            let filter = parser.any(Within::ValuePath)?;
            parser.expect(Token::CloseBracket, "a closing bracket is missing")?;
            Ok(filter)
        })
    }

    /// The only way down: without it, ten thousand parentheses would exhaust the stack.
    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Result<Filter, Error>) -> Result<Filter, Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Error::invalid_filter(format!("The filter is nested more than {MAX_DEPTH} levels deep.")));
        }
        let filter = read(self)?;
        self.depth -= 1;
        Ok(filter)
    }

    fn term(&mut self, within: Within) -> Result<Filter, Error> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(Error::invalid_filter(format!("The filter holds more than {MAX_TERMS} comparisons.")));
        }
        let attribute = self.attribute()?;
        if !self.take(&Token::OpenBracket) {
            return self.comparison(attribute);
        }
        if within == Within::ValuePath {
            return Err(Error::invalid_filter("A value path holds no other value path."));
        }
        let inner = self.in_brackets()?;
        let filter = match self.sub_attribute()? {
            None => inner,
            // Entra writes `emails[type eq "work"].value eq "x"`, which the grammar lacks. It can only mean that the
            // same element fulfils both.
            Some(sub) => {
                let mut all = if let Filter::And(filters) = inner { filters } else { vec![inner] };
                all.push(self.comparison(AttributeRef { schema: None, name: sub, sub: None })?);
                Filter::And(all)
            }
        };
        Ok(Filter::ValuePath { attribute, filter: Box::new(filter) })
    }

    fn attribute(&mut self) -> Result<AttributeRef, Error> {
        match self.advance() {
            Some(Token::Word(word)) => {
                AttributeRef::parse(word).ok_or_else(|| Error::invalid_filter(format!("{} is not an attribute name.", quoted(word))))
            }
            _ => Err(Error::invalid_filter("An attribute name is missing.")),
        }
    }

    fn comparison(&mut self, attribute: AttributeRef) -> Result<Filter, Error> {
        let Some(Token::Word(word)) = self.advance() else {
            return Err(Error::invalid_filter(format!("{} needs an operator.", quoted(&attribute.to_string()))));
        };
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(attribute));
        }
        let op = Op::parse(word).ok_or_else(|| Error::invalid_filter(format!("{} is not a comparison operator.", quoted(word))))?;
        let value = match self.advance() {
            Some(Token::Text(text)) => CompValue::String(text),
            Some(Token::Word(word)) => unquoted(word)?,
            _ => {
                return Err(Error::invalid_filter(format!("`{}` needs a value.", op.name())));
            }
        };
        Ok(Filter::Compare { attribute, op, value })
    }

    /// `.name` directly behind a closing bracket.
    fn sub_attribute(&mut self) -> Result<Option<String>, Error> {
        let Some(Token::Word(word)) = self.tokens.get(self.next) else {
            return Ok(None);
        };
        let Some(name) = word.strip_prefix('.') else {
            return Ok(None);
        };
        match AttributeRef::parse(name) {
            Some(AttributeRef { schema: None, name, sub: None }) => {
                self.next += 1;
                Ok(Some(name))
            }
            _ => Err(Error::invalid_filter(format!("{} is not a sub-attribute name.", quoted(name)))),
        }
    }

    fn advance(&mut self) -> Option<Token<'t>> {
        let token = self.tokens.get(self.next).cloned();
        self.next += 1;
        token
    }

    fn take(&mut self, token: &Token<'_>) -> bool {
        let found = self.tokens.get(self.next) == Some(token);
        self.next += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.next), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word));
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, token: Token<'_>, otherwise: &str) -> Result<(), Error> {
        if self.take(&token) { Ok(()) } else { Err(Error::invalid_filter(format!("In the filter, {otherwise}."))) }
    }

    fn end(&self) -> Result<(), Error> {
        if self.next >= self.tokens.len() {
            return Ok(());
        }
        Err(Error::invalid_filter("After a complete expression, `and`, `or` or the end was expected."))
    }
}

fn single_or(mut filters: Vec<Filter>, join: impl FnOnce(Vec<Filter>) -> Filter) -> Filter {
    match filters.pop() {
        Some(only) if filters.is_empty() => only,
        Some(last) => {
            filters.push(last);
            join(filters)
        }
        None => join(filters),
    }
}

/// A JSON literal, or a word without its quotes.
fn unquoted(word: &str) -> Result<CompValue, Error> {
    if word.starts_with('\'') {
        return Err(Error::invalid_filter("A string stands in double quotes."));
    }
    Ok(match word {
        "null" => CompValue::Null,
        "true" => CompValue::Bool(true),
        "false" => CompValue::Bool(false),
        // A number that would print differently (007, a 30-digit id) was an identifier without quotes.
        _ => number(word).map_or_else(|| CompValue::String(word.to_owned()), CompValue::Number),
    })
}

fn number(word: &str) -> Option<Number> {
    let is_same = |number: &Number| number.to_string() == word;
    // serde_json reads long fractions inexactly, and so to a number that prints differently.
    let exact = || word.parse::<f64>().ok().and_then(Number::from_f64).filter(is_same);
    word.parse::<Number>().ok().filter(is_same).or_else(exact)
}
