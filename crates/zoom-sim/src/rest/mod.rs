//! `api.zoom.us/v2`: users, their tokens and their meetings.

mod bearer;
mod call;
mod error;
mod join_tokens;
mod meeting_form;
mod meetings;
mod new_user;
mod page;
pub(crate) mod quotas;
mod scopes;
mod tokens;
mod users;

use axum::Router;
use axum::routing::{MethodRouter, get};

use crate::state::SharedSim;

pub(crate) fn routes() -> Router<SharedSim> {
    let calls: [(&str, MethodRouter<SharedSim>); 7] = [
        ("/v2/users", get(users::list).post(new_user::create)),
        ("/v2/users/{who}", get(users::read)),
        ("/v2/users/{who}/token", get(tokens::by_type)),
        ("/v2/users/me/zak", get(tokens::five_minute_zak)),
        ("/v2/users/{who}/meetings", get(meetings::list).post(meetings::create)),
        ("/v2/meetings/{id}", get(meetings::read).patch(meetings::change).delete(meetings::delete)),
        ("/v2/meetings/{id}/jointoken/{privilege}", get(join_tokens::handler)),
    ];
    // Some clients add a slash at the end (O).
    calls.into_iter().fold(Router::new(), |router, (path, call)| {
        router.route(path, call.clone()).route(&format!("{path}/"), call)
    })
}
