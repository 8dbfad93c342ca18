//! `/pools`: several accounts behind one name, and how many seats are taken.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use model::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::accounts::{
    Account,
    choices::{Choices, typed},
    names_of,
};
use crate::{
    client::{Client, List},
    error::{self, PageError, go, missing},
    form::Draft,
    format::{Id, Meter, State, When, shortened},
    layout::{Frame, Section},
    pages::bots::spaced,
    session::{PathId, Posted, Session},
};

const PATH: &str = "/api/latchkey/v1/pools/";

#[derive(Deserialize)]
struct Pool {
    id: String,
    name: String,
    seats: u64,
    seats_taken: u64,
    members: Vec<Member>,
}

#[derive(Deserialize)]
struct Member {
    credential: String,
    user: Option<String>,
    user_address: Option<String>,
    status: String,
    max_joins: u64,
    max_hosted: u64,
    joins: u64,
    hosted: u64,
}

#[derive(Deserialize)]
struct Seat {
    id: String,
    credential: String,
    holder: String,
    meeting: Option<Value>,
    hosting: bool,
    taken_at: Timestamp,
    ends_at: Timestamp,
}

#[derive(Template)]
#[template(path = "pools.html")]
struct PoolsPage {
    frame: Frame,
    rows: Vec<Row>,
    draft: Draft,
    complaint: String,
}

struct Row {
    id: String,
    name: String,
    seats: Meter,
    accounts: usize,
    usable: usize,
}

#[derive(Template)]
#[template(path = "pool.html")]
struct PoolPage {
    frame: Frame,
    id: String,
    shown_id: Id,
    name: String,
    seats: Meter,
    members: Vec<MemberRow>,
    held: Vec<SeatRow>,
    /// Accounts that can be added.
    choices: Choices,
    draft: Draft,
    complaint: String,
    /// The name that was entered, and its error.
    renaming: Draft,
}

struct MemberRow {
    account: String,
    user: Option<String>,
    name: String,
    state: State,
    joins: Meter,
    hosted: Meter,
}

struct SeatRow {
    id: String,
    holder: String,
    shown_holder: String,
    /// Whether the holder's id may be a bot's of this server, which has a page.
    is_bot: bool,
    account: String,
    meeting: String,
    hosting: bool,
    taken: When,
    ends: When,
}

/// A meeting number from an answer of the API, as Zoom writes it.
fn digits(meeting: Option<&Value>) -> String {
    match meeting {
        Some(Value::String(text)) => spaced(text),
        Some(Value::Number(number)) => spaced(&number.to_string()),
        _ => String::new(),
    }
}

async fn show_all(session: &Session, status: StatusCode, draft: Draft) -> Result<Response, PageError> {
    let list: List<Pool> = session.client.get(PATH).await?;
    let row = |pool: Pool| Row {
        accounts: pool.members.len(),
        usable: pool
            .members
            .iter()
            .filter(|one| matches!(one.status.as_str(), "healthy" | "degraded"))
            .count(),
        seats: Meter { taken: pool.seats_taken, of: pool.seats, what: "Seats taken" },
        id: pool.id,
        name: pool.name,
    };
    let page = PoolsPage {
        frame: session.frame("Pools", Section::Pools),
        rows: list.results.into_iter().map(row).collect(),
        complaint: draft.complaint(["name"]),
        draft,
    };
    error::page_with(status, &page)
}

pub(crate) async fn page(session: Session) -> Result<Response, PageError> {
    show_all(&session, StatusCode::OK, Draft::default()).await
}

/// `POST /pools`
pub(crate) async fn make(Posted { session, form }: Posted) -> Result<Response, PageError> {
    match session.client.post(PATH, Value::Object(form.body(["name"]))).await {
        Ok(made) => {
            let id = made["id"].as_str().unwrap_or_default();
            Ok(go(&session.console, &format!("/pools/{id}?said=pool-made")))
        }
        Err(refused) if refused.status == 400 => {
            show_all(&session, StatusCode::BAD_REQUEST, Draft::of(form, refused)).await
        }
        Err(refused) => Err(refused.into()),
    }
}

/// With the entered values of adding an account or renaming the pool.
async fn show(
    session: &Session,
    id: &str,
    status: StatusCode,
    (draft, renaming): (Draft, Draft),
) -> Result<Response, PageError> {
    let (client, now) = (&session.client, session.now());
    let pool: Option<Pool> = client.find(&format!("{PATH}{id}/")).await?;
    let pool = pool.ok_or_else(missing("pool", "/pools"))?;
    let seats: List<Seat> = client.get(&format!("{PATH}{id}/seats/")).await?;
    let mut choices = Choices::read(client, draft.text("credential")).await?;
    let used = pool.members.iter().map(|member| member.credential.as_str());
    let names =
        names_of(client, used.chain(seats.results.iter().map(|seat| seat.credential.as_str()))).await?;
    let name = |id: &str| names.get(id).cloned().unwrap_or_else(|| shortened(id));
    let member = |member: &Member| MemberRow {
        name: name(&member.credential),
        account: member.credential.clone(),
        user: member.user_address.clone().or(member.user.clone()),
        state: State::of_account(&member.status),
        joins: Meter { taken: member.joins, of: member.max_joins, what: "In meetings" },
        hosted: Meter { taken: member.hosted, of: member.max_hosted, what: "Hosting" },
    };
    let seat = |seat: Seat| SeatRow {
        is_bot: seat.holder.len() == 36,
        account: name(&seat.credential),
        meeting: digits(seat.meeting.as_ref()),
        taken: When::new(seat.taken_at, now),
        ends: When::new(seat.ends_at, now),
        id: seat.id,
        shown_holder: shortened(&seat.holder),
        holder: seat.holder,
        hosting: seat.hosting,
    };
    let is_in = |account: &Account| pool.members.iter().any(|member| member.credential == account.id);
    choices.accounts.retain(|account| account.kind == "server_to_server" || !is_in(account));
    let page = PoolPage {
        frame: session.frame(pool.name.clone(), Section::Pools),
        shown_id: Id(pool.id.clone()),
        seats: Meter { taken: pool.seats_taken, of: pool.seats, what: "Seats taken" },
        members: pool.members.iter().map(member).collect(),
        held: seats.results.into_iter().map(seat).collect(),
        complaint: draft.complaint(["credential", "max_joins", "max_hosted", "user", "typed"]),
        choices,
        draft,
        renaming,
        id: pool.id,
        name: pool.name,
    };
    error::page_with(status, &page)
}

pub(crate) async fn one(session: Session, PathId(id): PathId) -> Result<Response, PageError> {
    show(&session, &id, StatusCode::OK, (Draft::default(), Draft::default())).await
}

/// `POST /pools/{id}/members`
pub(crate) async fn put_member(
    PathId(id): PathId,
    Posted { session, form }: Posted,
) -> Result<Response, PageError> {
    let mut body = form.body(["credential", "user"]);
    for name in ["max_joins", "max_hosted"] {
        match form.text(name).parse::<u64>() {
            Ok(number) => _ = body.insert(name.to_owned(), number.into()),
            Err(_) if form.text(name).is_empty() => {}
            // The API reports what is wrong with it.
            Err(_) => _ = body.insert(name.to_owned(), form.text(name).into()),
        }
    }
    let put = match typed(&session.client, &form).await {
        Ok(account) => {
            body.extend(account.map(|id| ("credential".to_owned(), id.into())));
            session.client.post(&format!("{PATH}{id}/members/"), Value::Object(body)).await
        }
        Err(refused) => Err(refused),
    };
    match put {
        Ok(_) => Ok(go(&session.console, &format!("/pools/{id}?said=pool-changed"))),
        Err(refused) if matches!(refused.status, 400 | 424) => {
            let drafts = (Draft::of(form, refused), Draft::default());
            show(&session, &id, StatusCode::BAD_REQUEST, drafts).await
        }
        Err(refused) => Err(refused.into()),
    }
}

async fn changed(client: &Client, id: &str, path: &str) -> Result<String, PageError> {
    client.delete(&format!("{PATH}{id}/{path}")).await?;
    Ok(format!("/pools/{id}"))
}

/// `POST /pools/{id}/remove-member`
pub(crate) async fn remove_member(
    PathId(id): PathId,
    Posted { session, form }: Posted,
) -> Result<Response, PageError> {
    let (credential, user) = (form.text("credential"), form.text("user"));
    if !credential.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(PageError::Unknown);
    }
    let query = crate::format::query(&[("user", user)]);
    let back = changed(&session.client, &id, &format!("members/{credential}/{query}")).await?;
    Ok(go(&session.console, &format!("{back}?said=pool-changed")))
}

/// `POST /pools/{id}/release`
pub(crate) async fn release(
    PathId(id): PathId,
    Posted { session, form }: Posted,
) -> Result<Response, PageError> {
    let seat = form.text("seat");
    if !seat.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(PageError::Unknown);
    }
    let back = changed(&session.client, &id, &format!("seats/{seat}/")).await?;
    Ok(go(&session.console, &format!("{back}?said=released")))
}

/// `POST /pools/{id}/rename`
pub(crate) async fn rename(
    PathId(id): PathId,
    Posted { session, form }: Posted,
) -> Result<Response, PageError> {
    match session.client.patch(&format!("{PATH}{id}/"), json!({ "name": form.text("name") })).await {
        Ok(_) => Ok(go(&session.console, &format!("/pools/{id}?said=pool-changed"))),
        Err(refused) if refused.status == 400 => {
            let drafts = (Draft::default(), Draft::of(form, refused));
            show(&session, &id, StatusCode::BAD_REQUEST, drafts).await
        }
        Err(refused) => Err(refused.into()),
    }
}

/// `POST /pools/{id}/remove`
pub(crate) async fn remove(
    PathId(id): PathId,
    Posted { session, .. }: Posted,
) -> Result<Response, PageError> {
    session.client.delete(&format!("{PATH}{id}/")).await?;
    Ok(go(&session.console, "/pools?said=pool-removed"))
}
