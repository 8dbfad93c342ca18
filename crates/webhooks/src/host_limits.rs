//! Limits how many worker slots the endpoints of one host, or of one workspace, may take.

use model::Secret;
use url::Url;

/// When this many endpoints of one host, or of one workspace, are served at once, no more are claimed. One claim may exceed
/// this, because it may include as many again.
pub(crate) const MAX_PER_HOST: u32 = 16;

/// The host key of a URL: endpoints with the same key share a limit. It is a digest of host and port, so that the host
/// itself is not visible. All mail has one key, because it is sent through one server.
pub(crate) fn host_digest(url: &Secret) -> String {
    if url.expose().starts_with("mailto:") {
        return "mail".to_owned();
    }
    let url = Url::parse(url.expose()).ok();
    let host = url.and_then(|url| Some((url.host_str()?.to_owned(), url.port_or_known_default())));
    let Some((host, port)) = host else { return String::new() };
    let digest = tenants::digest(&format!("{host}:{}", port.unwrap_or(0)));
    u64::from_le_bytes(digest[..8].try_into().expect("a digest has more than 8 bytes")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_with_the_same_host_and_port_share_a_lane() {
        let lane = |url: &str| host_digest(&Secret::new(url));
        assert_eq!(lane("https://a.test/one?x=1"), lane("https://A.test:443/two"));
        assert_ne!(lane("https://a.test/"), lane("https://b.test/"));
        assert_ne!(lane("http://a.test:1/"), lane("http://a.test:2/"));
        assert_eq!(lane("mailto:ops@a.test"), lane("mailto:ada@b.test"));
        assert_eq!(lane("nonsense"), "");
    }
}
