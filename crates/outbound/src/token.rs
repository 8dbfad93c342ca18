//! Checks whether a text can be a token.
//!
//! A broken token server often answers 200 with a word. If that word is used as a token, the join fails, and Zoom's error
//! blames the token's owner. The format of tokens is Zoom's decision; this check refuses only what no token can be.

/// The minimum length of a token. Zoom's tokens are ten times as long; words, error codes and ids are shorter.
const MIN_BYTES: usize = 32;
/// What programs print for a missing value.
const NOTHING: &[&str] = &["undefined", "null", "none", "nil", "nan", "true", "false", "[object object]"];

/// Returns the token if the text contains nothing else but white space around it. Otherwise the error says what the text
/// is; it never contains the text.
pub fn token(text: &str) -> Result<&str, &'static str> {
    let token = text.trim();
    if NOTHING.contains(&token.to_ascii_lowercase().as_str()) {
        return Err(
            "it is a word such as undefined, null or [object Object], which programs write where they have no token",
        );
    }
    match token.as_bytes() {
        [] => return Err("it is empty"),
        [b'{' | b'[', ..] => return Err("it is JSON; send the token alone, as text"),
        [b'"' | b'\'' | b'`', ..] => return Err("it is in quotes; send the token alone, without them"),
        [b'<', ..] => return Err("it is HTML; send the token alone, as text"),
        bytes if !bytes.iter().all(u8::is_ascii_graphic) => {
            return Err("it is not one word of visible ASCII");
        }
        _ => {}
    }
    if token.contains("://") {
        return Err("it is an address; send the token itself");
    }
    if token.trim_end_matches('=').contains('=') {
        return Err("it is name=value; send the value alone");
    }
    // Bearer tokens are of RFC 9110's form token68.
    let unpadded = token.trim_end_matches('=');
    let is_of_tokens = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    if !unpadded.bytes().all(is_of_tokens) {
        return Err("it contains characters that are in no token");
    }
    if unpadded.len() < MIN_BYTES {
        return Err("it is shorter than any token: less than 32 characters");
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::token;

    #[test]
    fn a_text_that_cannot_be_a_token_is_refused_with_a_reason() {
        let long = "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJjbGllbnRzbSJ9.c2lnbmF0dXJl";
        for (text, why) in [
            ("", "empty"),
            (" \r\n", "empty"),
            ("undefined", "programs write"),
            ("null", "programs write"),
            ("None\n", "programs write"),
            ("[object Object]", "programs write"),
            ("NaN", "programs write"),
            ("false", "programs write"),
            ("{\"token\":\"t\"}", "JSON"),
            ("[]", "JSON"),
            (&format!("\"{long}\""), "quotes"),
            (&format!("'{long}'"), "quotes"),
            ("<!doctype html><p>Sign in", "HTML"),
            (&format!("zak={long}"), "name=value"),
            (&format!("token={long}&expires_in=7200"), "name=value"),
            (&format!("https://zoom.us/s/81234567890?zak={long}"), "address"),
            (&format!("Bearer {long}"), "one word"),
            (&format!("{long}\n{long}"), "one word"),
            ("tökén", "one word"),
            (&format!("{long};"), "characters"),
            (&format!("{long}\","), "characters"),
            ("{{zak}}", "JSON"),
            ("$ZAK_TOKEN", "characters"),
            ("unauthorized", "shorter"),
            ("internal_server_error", "shorter"),
            ("01900000000070008000000000000000"[1..].into(), "shorter"),
            ("eyJ.eyJ.sig========================", "shorter"),
        ] {
            let said = token(text).unwrap_err();
            assert!(said.contains(why), "{text:?}: {said}");
        }
    }

    #[test]
    fn a_token_is_accepted_unchanged() {
        for text in [
            "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJjbGllbnRzbSJ9.c2lnbmF0dXJl",
            "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789+/==",
            &"t".repeat(16 * 1024),
        ] {
            assert_eq!(token(&format!(" {text}\r\n")), Ok(text));
        }
    }
}
