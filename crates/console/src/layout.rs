//! The frame around every page.

use model::ApiScope;

use crate::{Console, assets, session::Session};

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
    Setup,
    /// A page that is not in the menu.
    None,
}

/// A menu entry, as it is shown.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    /// The key after `g` that opens it.
    pub(crate) key: char,
    /// The icon: an SVG path in a 16×16 box.
    pub(crate) icon: &'static str,
    pub(crate) is_here: bool,
}

/// What the session's API key may do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyPermissions {
    pub(crate) admin: bool,
    pub(crate) bots: bool,
    pub(crate) tokens: bool,
}

/// A message about the last action.
pub(crate) struct FlashMessage {
    pub(crate) words: &'static str,
}

/// The frame around every page.
pub(crate) struct Frame {
    pub(crate) base: String,
    pub(crate) assets: String,
    pub(crate) title: String,
    pub(crate) menu: Vec<Entry>,
    pub(crate) csrf: String,
    pub(crate) workspace: String,
    pub(crate) key_name: String,
    pub(crate) can: KeyPermissions,
    pub(crate) simulated: bool,
    /// Whether the page offers *Try it*.
    pub(crate) may_try: bool,
    pub(crate) said: Option<FlashMessage>,
    /// Types of events after which live parts are fetched again.
    pub(crate) kinds: String,
    /// This page's own address, for fetching it again.
    pub(crate) here: String,
}

const MENU: &[(Section, &str, &str, char, &str)] = &[
    (Section::Home, "Home", "/", 'h', "M2.5 7.5 8 2.5l5.5 5M4 6.5V13h8V6.5M6.8 13V9.5h2.4V13"),
    (
        Section::Accounts,
        "Accounts",
        "/accounts",
        'a',
        "M8 8a2.7 2.7 0 1 0 0-5.4A2.7 2.7 0 0 0 8 8Zm-5 5.4c.6-2.3 2.5-3.6 5-3.6s4.4 1.3 5 3.6",
    ),
    (
        Section::Pools,
        "Pools",
        "/pools",
        'p',
        "M2.5 4.5 8 2l5.5 2.5L8 7 2.5 4.5Zm0 3.5L8 10.5 13.5 8m-11 3.5L8 14l5.5-2.5",
    ),
    (
        Section::TokenLinks,
        "Token links",
        "/token-links",
        't',
        "M7 9a2.5 2.5 0 0 0 3.5 0l2.2-2.2a2.5 2.5 0 0 0-3.5-3.5L8 4.5M9 7a2.5 2.5 0 0 0-3.5 0L3.3 9.2a2.5 2.5 0 0 0 3.5 3.5L8 11.5",
    ),
    (Section::Bots, "Bots", "/bots", 'b', "M3.5 5.5h9v7h-9zM8 5.5V3M6 8.5v1m4-1v1M1.5 8v2m13-2v2"),
    (Section::Events, "Events", "/events", 'e', "M8.8 2 4 9h3.5L7 14l5-7.2H8.4L8.8 2Z"),
    (Section::Audit, "Audit", "/audit", 'u', "M4 2.5h5.5L12 5v8.5H4zM6 7h4M6 9.5h4M9.3 2.5V5H12"),
    (Section::Settings, "Settings", "/settings", 's', "M2.5 5h6m3 0h2M2.5 11h2m3 0h6M8.5 3.5v3m-4 3v3"),
    (Section::Setup, "Setup", "/setup", 'i', "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12Zm-2.5-6 1.8 1.8L10.7 6.3"),
];

/// Messages about actions, by the word in the address. No other text can be shown.
const SAID: &[(&str, &str)] = &[
    ("checked", "The account was checked: its timeline shows the result."),
    ("disconnected", "The account is disconnected, and its tokens are erased."),
    ("withdrawn", "The connect link is withdrawn."),
    ("leaving", "The bot is leaving."),
    ("cancelled", "The bot is cancelled."),
    ("sent", "The bot is joining."),
    (
        "tried",
        "A user of the simulator has connected an account, and this bot signs in with it: watch it join.",
    ),
    (
        "removed-at-zoom",
        "The user has removed the app at the simulator. Zoom notifies this server by a webhook.",
    ),
    ("consented", "The account's owner has consented again."),
    ("revoked", "The token link is revoked. It ends within a second."),
    ("pool-made", "The pool is created."),
    ("pool-changed", "The pool is changed."),
    ("pool-removed", "The pool is deleted."),
    ("released", "The seat is free."),
    ("app-added", "The Zoom app is registered."),
    ("app-changed", "The app's secrets are replaced."),
    ("app-removed", "The Zoom app is removed."),
    ("key-revoked", "The key is revoked: the next call with it is refused."),
    ("endpoint-added", "The endpoint is added: send it a test event."),
    ("endpoint-removed", "The endpoint is removed."),
    ("endpoint-changed", "The endpoint is changed."),
    ("tested", "A test event is being sent: see the deliveries."),
    ("resent", "The event is sent again."),
    ("replayed", "The events are sent again, in order."),
    ("settings-changed", "The settings are saved."),
];

impl Frame {
    pub(crate) fn of(session: &Session, title: String, section: Section) -> Self {
        let console = &session.console;
        let menu = MENU.iter().map(|(own, name, path, key, icon)| Entry {
            name,
            path,
            key: *key,
            icon,
            is_here: *own == section,
        });
        let said = session.said.as_deref();
        let said = SAID.iter().find(|(word, _)| Some(*word) == said).map(|(_, words)| FlashMessage { words });
        let can = KeyPermissions {
            admin: session.may(ApiScope::Admin),
            bots: session.may(ApiScope::Bots),
            tokens: session.may(ApiScope::Tokens),
        };
        Self {
            base: console.base.clone(),
            assets: format!("{}/assets/{}", console.base, *assets::VERSION),
            title,
            menu: menu.collect(),
            csrf: session.csrf(),
            workspace: session.workspace.clone(),
            key_name: session.key().name.clone(),
            can,
            simulated: console.simulated,
            may_try: console.simulator.is_some() && can.admin && can.bots,
            said,
            kinds: webhooks::event_types().join(" "),
            here: format!("{}{}", console.base, session.address),
        }
    }
}

/// The frame of a page that needs no sign-in.
pub(crate) struct Bare {
    pub(crate) base: String,
    /// The address of styles, scripts and pictures.
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
