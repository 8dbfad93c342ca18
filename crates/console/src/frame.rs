//! What every page has around it.

use model::ApiScope;

use crate::{Console, assets, session::Visitor};

/// An entry of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Home,
    Accounts,
    Pools,
    TokenLinks,
    Bots,
    Events,
    Audit,
    Settings,
    /// A page that no entry leads to.
    None,
}

/// An entry of the menu, as it is shown.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    /// The key after `g` that leads there.
    pub(crate) key: char,
    pub(crate) is_here: bool,
}

/// What the key may do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Can {
    pub(crate) admin: bool,
    pub(crate) bots: bool,
    pub(crate) tokens: bool,
}

/// Something that was just done.
pub(crate) struct Said {
    pub(crate) words: &'static str,
}

/// What every page has around it.
pub(crate) struct Frame {
    pub(crate) base: String,
    pub(crate) assets: String,
    pub(crate) title: String,
    pub(crate) menu: Vec<Entry>,
    pub(crate) csrf: String,
    pub(crate) workspace: String,
    pub(crate) key_name: String,
    pub(crate) can: Can,
    pub(crate) simulated: bool,
    pub(crate) said: Option<Said>,
    /// Types of events that live parts are fetched again for.
    pub(crate) kinds: String,
    /// This page's own address, to fetch it again.
    pub(crate) here: String,
}

const MENU: &[(Section, &str, &str, char)] = &[
    (Section::Home, "Home", "/", 'h'),
    (Section::Accounts, "Accounts", "/accounts", 'a'),
    (Section::Pools, "Pools", "/pools", 'p'),
    (Section::TokenLinks, "Token links", "/token-links", 't'),
    (Section::Bots, "Bots", "/bots", 'b'),
    (Section::Events, "Events", "/events", 'e'),
    (Section::Audit, "Audit", "/audit", 'u'),
    (Section::Settings, "Settings", "/settings", 's'),
];

/// What was done, by its word in the address. Only these sentences can be shown.
const SAID: &[(&str, &str)] = &[
    ("checked", "The account was checked: its timeline says what came of it."),
    ("disconnected", "The account is disconnected, and its tokens are erased."),
    ("withdrawn", "The connect link is withdrawn."),
    ("leaving", "The bot is told to leave."),
    ("cancelled", "The bot is cancelled."),
    ("sent", "The bot is on its way."),
    ("revoked", "The token link is revoked. It ends within a second."),
    ("pool-made", "The pool is made."),
    ("pool-changed", "The pool is changed."),
    ("pool-removed", "The pool is deleted."),
    ("released", "The seat is free."),
    ("app-added", "The Zoom app is registered."),
    ("app-changed", "The app's secrets are replaced."),
    ("app-removed", "The Zoom app is removed."),
    ("key-revoked", "The key is revoked: the next call with it is refused."),
    ("endpoint-removed", "The endpoint is removed."),
    ("endpoint-changed", "The endpoint is changed."),
    ("tested", "A test event is on its way: see the deliveries."),
    ("resent", "The event is sent again."),
    ("replayed", "The events are sent again, in their order."),
    ("settings-changed", "The settings are saved."),
];

impl Frame {
    pub(crate) fn of(visitor: &Visitor, title: String, section: Section) -> Self {
        let console = &visitor.console;
        let menu = MENU.iter().map(|(own, name, path, key)| Entry {
            name,
            path,
            key: *key,
            is_here: *own == section,
        });
        let said = visitor.said.as_deref();
        let said = SAID.iter().find(|(word, _)| Some(*word) == said).map(|(_, words)| Said { words });
        let can = Can {
            admin: visitor.may(ApiScope::Admin),
            bots: visitor.may(ApiScope::Bots),
            tokens: visitor.may(ApiScope::Tokens),
        };
        Self {
            base: console.base.clone(),
            assets: format!("{}/assets/{}", console.base, *assets::VERSION),
            title,
            menu: menu.collect(),
            csrf: visitor.csrf(),
            workspace: visitor.workspace.clone(),
            key_name: visitor.key().name.clone(),
            can,
            simulated: console.simulated,
            said,
            kinds: webhooks::event_types().join(" "),
            here: format!("{}{}", console.base, visitor.address),
        }
    }
}

/// What a page has that needs no sign-in.
pub(crate) struct Bare {
    pub(crate) base: String,
    /// Where styles, scripts and pictures are.
    pub(crate) assets: String,
    pub(crate) simulated: bool,
}

impl Bare {
    pub(crate) fn of(console: &Console) -> Self {
        Self {
            base: console.base.clone(),
            assets: format!("{}/assets/{}", console.base, *assets::VERSION),
            simulated: console.simulated,
        }
    }
}
