//! One file for each page and its actions.

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
mod try_it;

use axum::routing::{MethodRouter, get, post};

use crate::{Console, assets};

/// The routes of all pages. Only modules that are listed here are linked.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Console>)> {
    vec![
        ("/", get(home::page)),
        ("/accounts", get(accounts::page)),
        ("/accounts/connect", get(accounts::connect::page).post(accounts::connect::make)),
        ("/accounts/{id}", get(accounts::detail::page)),
        ("/accounts/{id}/check", post(accounts::detail::check)),
        ("/accounts/{id}/reconnect", post(accounts::detail::reconnect)),
        ("/accounts/{id}/disconnect", get(accounts::disconnect::page).post(accounts::disconnect::disconnect)),
        ("/connect-links", get(accounts::connect_links::page)),
        ("/connect-links/{id}/withdraw", post(accounts::connect_links::withdraw)),
        ("/bots", get(bots::page)),
        ("/bots/new", get(bots::create::page).post(bots::create::send)),
        ("/bots/{id}", get(bots::detail::page)),
        ("/bots/{id}/leave", post(bots::detail::leave)),
        ("/bots/{id}/cancel", post(bots::detail::cancel)),
        ("/bots/{id}/again", post(bots::detail::again)),
        ("/bots/{id}/evidence.zip", get(bots::detail::evidence)),
        ("/bots/{id}/screenshots/{file}", get(bots::detail::picture)),
        ("/pools", get(pools::page).post(pools::make)),
        ("/pools/{id}", get(pools::one)),
        ("/pools/{id}/members", post(pools::put_member)),
        ("/pools/{id}/remove-member", post(pools::remove_member)),
        ("/pools/{id}/release", post(pools::release)),
        ("/pools/{id}/rename", post(pools::rename)),
        ("/pools/{id}/remove", post(pools::remove)),
        ("/token-links", get(token_links::page)),
        ("/token-links/new", get(token_links::make::page).post(token_links::make::make)),
        ("/token-links/test", get(token_links::test::page).post(token_links::test::test)),
        ("/token-links/{id}", get(token_links::one)),
        ("/token-links/{id}/revoke", post(token_links::revoke)),
        ("/events", get(events::page).post(events::make)),
        ("/events/{id}", get(events::endpoint::page)),
        ("/events/{id}/test", post(events::endpoint::test)),
        ("/events/{id}/switch", post(events::endpoint::switch)),
        ("/events/{id}/rotate", post(events::endpoint::rotate)),
        ("/events/{id}/replay", post(events::endpoint::replay)),
        ("/events/{id}/remove", post(events::endpoint::remove)),
        ("/events/{id}/deliveries/{event}/retry", post(events::endpoint::resend)),
        ("/audit", get(audit::page)),
        ("/audit/export.csv", get(audit::export)),
        ("/settings", get(settings::page).post(settings::choose)),
        ("/settings/keys", post(settings::keys::make)),
        ("/settings/keys/{id}/revoke", post(settings::keys::revoke)),
        ("/settings/callback-secret", post(settings::rotate_callback_secret)),
        ("/settings/apps/{id}", post(settings::apps::change)),
        ("/settings/apps/{id}/remove", post(settings::apps::remove)),
        ("/setup", get(setup::page).post(setup::register)),
        ("/setup/apps/{id}/check", post(setup::check)),
        ("/setup/try", post(try_it::begin)),
        ("/accounts/{id}/simulate/removal", post(try_it::remove_app)),
        ("/accounts/{id}/simulate/consent", post(try_it::consent)),
        ("/find", get(find::page)),
        ("/live", get(home::live)),
        ("/assets/{version}/{name}", get(assets::handler)),
        ("/sign-in", get(sign_in::page).post(sign_in::with_key)),
        ("/sign-in/link", post(sign_in::with_link)),
        ("/sign-in/{link}", get(sign_in::link_page)),
        ("/sign-out", post(sign_in::out)),
        ("/sign-out-everywhere", post(sign_in::out_everywhere)),
    ]
}
