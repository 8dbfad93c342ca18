//! Ids and secrets that people paste.

use std::fmt;

/// The text is not one word, or it is a word that replaces the real one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotOneWord {
    /// It is empty or only white space.
    Empty,
    /// It contains a character that no id and no secret has.
    Inside {
        /// The character.
        character: char,
        /// Its position, counted from one, after trimming.
        place: usize,
    },
    /// It is an example's placeholder for one's own value: `…`, `...`, `<id>`.
    Placeholder,
    /// It is the mask that answers show instead of a secret.
    Mask,
}

/// A pasted id or secret, without characters that a terminal, a mail or a page has put around it. The same rule applies
/// to all ids and secrets. The inside is not corrected: white space, control characters and invisible characters are
/// refused, and so are the placeholders of examples and the masks of answers.
///
/// # Errors
/// [`NotOneWord`]; it contains at most one character, which is not part of a secret.
pub fn pasted(text: &str) -> Result<&str, NotOneWord> {
    let word = text.trim_matches(is_foreign);
    if word.is_empty() {
        return Err(NotOneWord::Empty);
    }
    if word.contains('…')
        || word.bytes().all(|byte| byte == b'.')
        || (word.starts_with('<') && word.ends_with('>'))
    {
        return Err(NotOneWord::Placeholder);
    }
    if word.bytes().all(|byte| byte == b'*') {
        return Err(NotOneWord::Mask);
    }
    match word.chars().enumerate().find(|(_, character)| is_foreign(*character)) {
        Some((index, character)) => Err(NotOneWord::Inside { character, place: index + 1 }),
        None => Ok(word),
    }
}

/// A pasted password: like [`pasted`], but spaces inside are allowed.
///
/// # Errors
/// As [`pasted`].
pub fn pasted_password(text: &str) -> Result<&str, NotOneWord> {
    let password = text.trim_matches(is_foreign);
    pasted(&password.replace(' ', "_"))?;
    Ok(password)
}

impl fmt::Display for NotOneWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("It must not be empty."),
            Self::Inside { character, place } => write!(
                f,
                "It must be one word: its character {place} is U+{:04X}, which no id and no secret contains. Copy it again.",
                u32::from(*character)
            ),
            Self::Placeholder => f.write_str("This is the placeholder of an example: give your own value."),
            Self::Mask => f.write_str("This is the mask of an answer, not a secret."),
        }
    }
}

impl std::error::Error for NotOneWord {}

/// Whether it is white space, a control character, or an invisible one: a soft hyphen, a zero-width
/// character, or a mark of direction or byte order.
fn is_foreign(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::{NotOneWord, pasted, pasted_password};

    #[test]
    fn a_password_may_contain_spaces() {
        assert_eq!(pasted_password("\u{feff} four words of it\r\n"), Ok("four words of it"));
        assert_eq!(pasted_password("tab\tinside"), Err(NotOneWord::Inside { character: '\t', place: 4 }));
        for wrong in [" \n", "…", "********", "<your password>"] {
            assert!(pasted_password(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn characters_around_a_word_are_removed() {
        for around in ["", " ", "\n", "\r\n", "\t", "\0", "\u{a0}", "\u{feff}", "\u{200b}", " \u{200b}\r\n "]
        {
            assert_eq!(pasted(&format!("{around}a_Secret-1{around}")), Ok("a_Secret-1"), "{around:?}");
        }
        for nothing in ["", " ", "\r\n", "\u{200b}"] {
            assert_eq!(pasted(nothing), Err(NotOneWord::Empty));
        }
    }

    #[test]
    fn foreign_characters_inside_are_refused_and_named() {
        for inside in [' ', '\n', '\0', '\u{7f}', '\u{a0}', '\u{ad}', '\u{200b}', '\u{202e}', '\u{feff}'] {
            let refused = pasted(&format!(" ab{inside}c")).unwrap_err();
            assert_eq!(refused, NotOneWord::Inside { character: inside, place: 3 });
        }
        let words = pasted("ab\nc").unwrap_err().to_string();
        assert!(words.contains("character 3 is U+000A"), "{words}");
        assert!(!words.contains("ab"), "the error contains no part of the secret");
    }

    #[test]
    fn placeholders_and_masks_are_not_secrets() {
        for example in ["…", " s.… ", "...", "<secret>", "<client id>", "AKIA…"] {
            assert_eq!(pasted(example), Err(NotOneWord::Placeholder), "{example}");
        }
        assert_eq!(pasted("********"), Err(NotOneWord::Mask));
        for secret in ["a...b", "a<b>", "**a**", "."] {
            let expected = if secret == "." { Err(NotOneWord::Placeholder) } else { Ok(secret) };
            assert_eq!(pasted(secret), expected);
        }
    }
}
