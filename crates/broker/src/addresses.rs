//! The URLs of this server.

use model::ZoomOauthAppId;
use url::Url;

/// The URLs of this server, below its public one.
#[derive(Debug, Clone)]
pub struct Addresses {
    public_base: Url,
}

impl Addresses {
    /// The URLs below `public_base`.
    pub fn new(public_base: Url) -> Self {
        Self { public_base }
    }

    /// The public URL for browsers and bot platforms.
    pub fn public_base(&self) -> &Url {
        &self.public_base
    }

    /// The OAuth redirect URL. It must be registered with the app at Zoom, byte for byte.
    pub fn redirect_uri(&self) -> Url {
        self.at("oauth/zoom/callback")
    }

    /// The redirect URL after an installation of this app from the Marketplace. It must be registered there.
    pub fn install_uri(&self, app: ZoomOauthAppId) -> String {
        self.at(&format!("oauth/zoom/callback/{app}")).into()
    }

    /// A URL of this server.
    pub fn at(&self, path: &str) -> Url {
        let mut url = self.public_base.clone();
        url.set_path(&format!("{}/{path}", self.public_base.path().trim_end_matches('/')));
        url
    }
}
