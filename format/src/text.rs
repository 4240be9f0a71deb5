//! Texts of the target, as a terminal may show them.
//!
//! A process names its types, threads and files as it likes: with sequences that write to the clipboard, move the cursor over other output, or
//! turn around the order of what is read. A dump keeps names as they are; whoever shows them goes through here.

use alloc::borrow::Cow;

/// The text in one line, without anything that acts on a terminal: control characters of both sets, line and paragraph separators and what
/// changes the direction of text are replaced by U+FFFD. Lone surrogates have been replaced where the text was read.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.contains(is_active) {
        Cow::Owned(text.replace(is_active, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether [`printable`] replaces this character.
pub fn is_active(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

    #[test]
    fn whatever_acts_on_a_terminal_is_replaced() {
        // `Bidi_Control` of the Unicode Character Database.
        for code in [0x61C, 0x200E, 0x200F].into_iter().chain(0x202A..=0x202E).chain(0x2066..=0x2069) {
            let text = format!("user{}nimda", char::from_u32(code).unwrap());
            assert_eq!(printable(&text), "user\u{fffd}nimda");
        }
        assert_eq!(
            printable("a\u{1b}]52;c;aGk=\u{7}b\nc\r\u{9b}2J"),
            "a\u{fffd}]52;c;aGk=\u{fffd}b\u{fffd}c\u{fffd}\u{fffd}2J"
        );
        assert_eq!(printable("Größe_Ω中🙂"), "Größe_Ω中🙂");
        assert!(matches!(printable("app.Session"), Cow::Borrowed(_)));
    }

    #[test]
    fn nothing_else_is_replaced() {
        use GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator};
        for character in '\0'..=char::MAX {
            let replaced = matches!(printable(&format!("{character}")), Cow::Owned(_));
            match character.general_category() {
                Control | LineSeparator | ParagraphSeparator => assert!(replaced, "{character:?} is left"),
                Format => {}
                _ => assert!(!replaced, "{character:?} is lost"),
            }
        }
    }
}
