//! Width mapping (RFC 8265 §3.3.2): fullwidth and halfwidth forms, and the ordinary characters that they stand for.
//!
//! That is one step of decomposition, and only for these forms. Compatibility normalization would go on where it should
//! stop, and also make `²` the same as `2`.

use unicode_normalization::char::decompose_compatible;

/// The ordinary form of `c`, which is `c` itself unless it is a fullwidth or halfwidth form.
pub(super) fn ordinary(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{FFE3}' => '\u{AF}',
        // Halfwidth Hangul letters stand in the order of the ordinary ones, with gaps.
        '\u{FFA0}' => '\u{3164}',
        '\u{FFA1}'..='\u{FFBE}' => moved(c, '\u{FFA1}', '\u{3131}'),
        '\u{FFC2}'..='\u{FFC7}' => moved(c, '\u{FFC2}', '\u{314F}'),
        '\u{FFCA}'..='\u{FFCF}' => moved(c, '\u{FFCA}', '\u{3155}'),
        '\u{FFD2}'..='\u{FFD7}' => moved(c, '\u{FFD2}', '\u{315B}'),
        '\u{FFDA}'..='\u{FFDC}' => moved(c, '\u{FFDA}', '\u{3161}'),
        // All others have decompositions that are ordinary characters and decompose no further.
        '\u{FF01}'..='\u{FFEE}' => decomposed(c),
        _ => c,
    }
}

fn moved(c: char, from: char, to: char) -> char {
    let offset = u32::from(c).wrapping_sub(u32::from(from));
    char::from_u32(u32::from(to).wrapping_add(offset)).unwrap_or(c)
}

fn decomposed(c: char) -> char {
    let mut first = None;
    decompose_compatible(c, |part| {
        first.get_or_insert(part);
    });
    first.unwrap_or(c)
}
