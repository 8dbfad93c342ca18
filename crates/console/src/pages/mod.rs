//! One file for each page and what its buttons do.

pub(crate) mod accounts;
mod audit;
mod bots;
mod events;
mod find;
mod home;
mod pools;
mod settings;
mod setup;
mod sign_in;
mod token_links;

use axum::{
    Router,
    routing::{get, post},
};

use crate::{Console, assets};

/// Every page. Only what is here is linked.
pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route("/", get(home::page))
        .route("/accounts", get(accounts::page))
        .route("/accounts/connect", get(accounts::connect::page).post(accounts::connect::make))
        .route("/accounts/{id}", get(accounts::one::page))
        .route("/accounts/{id}/check", post(accounts::one::check))
        .route("/accounts/{id}/reconnect", post(accounts::one::reconnect))
        .route(
            "/accounts/{id}/disconnect",
            get(accounts::disconnect::page).post(accounts::disconnect::disconnect),
        )
        .route("/connect-links", get(accounts::connect_links::page))
        .route("/connect-links/{id}/withdraw", post(accounts::connect_links::withdraw))
        .route("/bots", get(bots::page))
        .route("/bots/new", get(bots::create::page).post(bots::create::send))
        .route("/bots/{id}", get(bots::one::page))
        .route("/bots/{id}/leave", post(bots::one::leave))
        .route("/bots/{id}/cancel", post(bots::one::cancel))
        .route("/bots/{id}/again", post(bots::one::again))
        .route("/bots/{id}/evidence.zip", get(bots::one::evidence))
        .route("/bots/{id}/screenshots/{file}", get(bots::one::picture))
        .route("/pools", get(pools::page).post(pools::make))
        .route("/pools/{id}", get(pools::one))
        .route("/pools/{id}/members", post(pools::put_member))
        .route("/pools/{id}/remove-member", post(pools::remove_member))
        .route("/pools/{id}/release", post(pools::release))
        .route("/pools/{id}/rename", post(pools::rename))
        .route("/pools/{id}/remove", post(pools::remove))
        .route("/token-links", get(token_links::page))
        .route("/token-links/new", get(token_links::make::page).post(token_links::make::make))
        .route("/token-links/test", get(token_links::test::page).post(token_links::test::test))
        .route("/token-links/{id}", get(token_links::one))
        .route("/token-links/{id}/revoke", post(token_links::revoke))
        .route("/events", get(events::page).post(events::make))
        .route("/events/{id}", get(events::endpoint::page))
        .route("/events/{id}/test", post(events::endpoint::test))
        .route("/events/{id}/switch", post(events::endpoint::switch))
        .route("/events/{id}/rotate", post(events::endpoint::rotate))
        .route("/events/{id}/replay", post(events::endpoint::replay))
        .route("/events/{id}/remove", post(events::endpoint::remove))
        .route("/events/{id}/deliveries/{event}/retry", post(events::endpoint::resend))
        .route("/audit", get(audit::page))
        .route("/audit/export.csv", get(audit::export))
        .route("/settings", get(settings::page).post(settings::choose))
        .route("/settings/keys", post(settings::keys::make))
        .route("/settings/keys/{id}/revoke", post(settings::keys::revoke))
        .route("/settings/callback-secret", post(settings::rotate_callback_secret))
        .route("/settings/apps/{id}", post(settings::apps::change))
        .route("/settings/apps/{id}/remove", post(settings::apps::remove))
        .route("/setup", get(setup::page).post(setup::register))
        .route("/find", get(find::page))
        .route("/live", get(home::live))
        .route("/assets/{version}/{name}", get(assets::handler))
        .route("/sign-in", get(sign_in::page).post(sign_in::with_key))
        .route("/sign-in/link", post(sign_in::with_link))
        .route("/sign-in/{link}", get(sign_in::link_page))
        .route("/sign-out", post(sign_in::out))
        .route("/sign-out-everywhere", post(sign_in::out_everywhere))
}
