//! The meaning of Zoom's refusals. Both tables use Zoom's machine words and numbers, never its prose.

use crate::{Sent, ZoomError, fields::Fields, http::Answer};

/// What a call to the token endpoints presented, which Zoom's refusal therefore refers to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Presented {
    /// A code from the consent page.
    Code,
    /// A refresh token, or a token to revoke.
    Token,
    /// Only the app itself.
    App,
}

/// Why a token endpoint refused (observed, except for the documented numbers). The body's `error` and `code` decide; its
/// `reason` is prose, may be missing, and is not read.
pub(crate) fn of_oauth(answer: &Answer, presented: Presented) -> ZoomError {
    let body: Fields = match answer.json() {
        Ok(body) => body,
        Err(malformed) => return malformed,
    };
    let code = body.whole("code");
    let unexpected = ZoomError::Unexpected { status: answer.status(), code };
    if let Some(known) = code.and_then(|code| of_oauth_code(code, answer.status())) {
        return known;
    }
    match body.text("error").as_deref() {
        // The status is 400, not the 401 of the standard.
        Some("invalid_client") => ZoomError::AppRejected,
        // In older versions Zoom used `invalid_request` for the same errors.
        Some("invalid_grant" | "invalid_request") => match presented {
            Presented::Code => ZoomError::CodeRejected,
            Presented::Token => ZoomError::GrantDead,
            Presented::App => ZoomError::AppRejected,
        },
        _ => unexpected,
    }
}

/// Zoom's documented OAuth numbers. It is unknown whether they ever occur in the JSON; if they do, they say more than the
/// word next to them.
fn of_oauth_code(code: i64, status: u16) -> Option<ZoomError> {
    Some(match code {
        // Generic; could not create the code.
        4700 | 4732 => ZoomError::Unavailable { sent: Sent::Maybe },
        // Client id or secret wrong, app gone; redirect mismatch; app disabled.
        4702 | 4704 | 4709 | 4717 => ZoomError::AppRejected,
        // Scopes of the token and of the app differ.
        4711 => ZoomError::ScopeMissing { scopes: Vec::new() },
        // Grant or client data missing; a JWT in the header. These are our bugs and must not end a grant.
        4705 | 4706 | 4724 => ZoomError::Unexpected { status, code: Some(code) },
        // Code expired; invalid.
        4733 | 4734 => ZoomError::CodeRejected,
        // Owner gone; authorisation gone; out of tolerance; a newer authorisation exists.
        4735 | 4737 | 4740 | 4741 => ZoomError::GrantDead,
        // Disabled by an administrator.
        4738 => ZoomError::UserBlocked,
        _ => return None,
    })
}

/// Why the REST API refused. The status is secondary: the same code occurs with several.
pub(crate) fn of_api(answer: &Answer) -> ZoomError {
    let status = answer.status();
    let body: Fields = match answer.json() {
        Ok(body) => body,
        Err(_) if status == 401 => return ZoomError::TokenRejected,
        Err(malformed) => return malformed,
    };
    match body.whole("code") {
        Some(124) => ZoomError::TokenRejected,
        Some(4711) => ZoomError::ScopeMissing {
            scopes: named_scopes(&body.get::<String>("message").unwrap_or_default()),
        },
        Some(1001) => ZoomError::UserUnknown,
        Some(3001) => ZoomError::MeetingUnknown,
        _ if status == 401 => ZoomError::TokenRejected,
        code => ZoomError::Unexpected { status, code },
    }
}

/// The scopes that Zoom lists in brackets, for people only. Text that does not look like a scope is dropped, so that no
/// other part of a message can get into an error.
fn named_scopes(message: &str) -> Vec<String> {
    let listed =
        message.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or("", |(inner, _)| inner);
    listed
        .split([',', ' '])
        .filter(|word| word.contains(':') && word.chars().all(|c| matches!(c, 'a'..='z' | '_' | ':')))
        .map(ToOwned::to_owned)
        .collect()
}
