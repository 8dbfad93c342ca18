//! The address of an e-mail endpoint: `mailto:` and one e-mail address.

use lettre::Address;

/// Why mail can't be sent to an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailRefusal {
    /// This installation sends no mail.
    #[error("This server sends no e-mail: its operator has to set mail.server and mail.from.")]
    NotSetUp,
    /// It is not an e-mail address.
    #[error("It must be mailto: and one e-mail address, such as mailto:ops@example.com.")]
    NotAnAddress,
    /// The operator does not allow this domain.
    #[error("Mail to {0:?} is not allowed here: its operator names domains in mail.allow_domains.")]
    Domain(String),
}

/// Parses the address of an endpoint. Other parts of a `mailto:` link (more recipients, headers, escapes) are refused,
/// and so are all characters that could start another line or another address.
pub(super) fn read(url: &str) -> Result<Address, MailRefusal> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"?%#,;:<>()[]\\\"".contains(&byte);
    url.strip_prefix("mailto:")
        .filter(|address| address.bytes().all(is_plain))
        .and_then(|address| address.parse().ok())
        .ok_or(MailRefusal::NotAnAddress)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_plain_address_is_accepted() {
        for address in ["ops@example.com", "first.last+alerts@mail.example.com", "o'neil@example.com"] {
            assert_eq!(read(&format!("mailto:{address}")).unwrap().to_string(), address);
        }
    }

    #[test]
    fn anything_but_one_plain_address_is_refused() {
        for url in [
            "ops@example.com",
            "mailto:",
            "mailto:ops",
            "mailto:@example.com",
            "mailto:ops@",
            "mailto:ops@example.com?bcc=eve@example.com",
            "mailto:ops@example.com,eve@example.com",
            "mailto:ops@example.com;eve@example.com",
            "mailto:ops@example.com eve@example.com",
            "mailto:ops@example.com\r\nBcc: eve@example.com",
            "mailto:ops@example.com\nRCPT TO:<eve@example.com>",
            "mailto:ops%0d%0aBcc:eve@example.com",
            "mailto:\"ops\r\nBcc:eve\"@example.com",
            "mailto:<ops@example.com>",
            "mailto:Ops <ops@example.com>",
            "mailto:zoë@example.com",
        ] {
            assert_eq!(read(url), Err(MailRefusal::NotAnAddress), "{url:?}");
        }
    }
}
