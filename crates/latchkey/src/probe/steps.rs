//! The calls, ordered so that none affects the next: those that may end the grant come last.

use anyhow::Context as _;
use model::Secret;
use serde_json::Value;
use url::Url;

use super::{
    report::{Report, Verdict},
    wire::{Answer, Zoom, jwt, life},
};

const INVENTED: &str = "latchkey-probe-invented";

/// URL of the consent page.
pub(super) fn consent_url(zoom: &Zoom, redirect: &str, client_id: &str, state: &str) -> Url {
    let mut url = zoom.oauth.clone();
    url.set_path(&format!("{}/oauth/authorize", zoom.oauth.path().trim_end_matches('/')));
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", client_id)
        .append_pair("redirect_uri", redirect)
        .append_pair("state", state);
    url
}

/// Tests that need no consent.
pub(super) async fn before_consent(zoom: &Zoom, redirect: &Url, report: &mut Report) -> anyhow::Result<()> {
    let elsewhere = "https://latchkey-probe.invalid/callback";
    for (id, redirect, client) in [
        ("consent.bad_redirect", elsewhere, zoom.client_id.as_str()),
        ("consent.unknown_app", redirect.as_str(), INVENTED),
    ] {
        let page = zoom.consent_page(consent_url(zoom, redirect, client, "s")).await?;
        let back = page.header("location").is_some_and(|to| to.starts_with(elsewhere));
        let number = error_number(&page.text);
        let observed = match number {
            Some(number) => format!("{}, error {number}", page.status),
            None => {
                format!("{}, no error number{}", page.status, if back { ", redirected back" } else { "" })
            }
        };
        match (back, number) {
            (true, _) => report.note(id, Verdict::Refuted, observed),
            (false, Some(_)) => report.note(id, Verdict::Confirmed, observed),
            // Zoom may show a sign-in page first.
            (false, None) => report.note(id, Verdict::Unclear, observed),
        }
    }

    let code =
        [("grant_type", "authorization_code"), ("code", INVENTED), ("redirect_uri", redirect.as_str())];
    let answer = zoom.oauth_as("oauth/token", &Secret::new(INVENTED), &code).await?;
    let words = answer.is(400, "reason", "Invalid client_id or client_secret");
    report.judge("token.wrong_secret", answer.is(400, "error", "invalid_client") && words, answer.words());
    report.judge("date.header", answer.header("date").is_some(), "the answer of the token endpoint");

    let answer = zoom.oauth("oauth/token", &code).await?;
    let words = answer.is(400, "reason", "Invalid authorization code");
    report.judge("token.wrong_code", answer.is(400, "error", "invalid_grant") && words, answer.words());
    let answer = zoom.oauth("oauth/token", &[("grant_type", INVENTED)]).await?;
    report.judge("token.wrong_grant", answer.is(400, "error", "unsupported_grant_type"), answer.words());
    let answer = zoom.oauth("oauth/token", &[code[0], code[2]]).await?;
    report.judge("token.no_code", answer.is(400, "error", "invalid_grant"), answer.words());
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", INVENTED)];
    let answer = zoom.oauth("oauth/token", &refresh).await?;
    let words = answer.is(400, "reason", "Invalid Token!");
    report.judge("token.bad_refresh", answer.is(400, "error", "invalid_grant") && words, answer.words());
    let answer = zoom.oauth_in_query("oauth/token", &refresh).await?;
    report.judge("token.in_query", answer.is(400, "error", "invalid_grant"), answer.words());
    Ok(())
}

/// Checks the state that came with the code. A second consent is not recorded.
pub(super) fn state(came: Option<&str>, sent: &str, report: &mut Report) {
    if !report.has("consent.state") {
        let observed = if came == Some(sent) { "as it was sent" } else { "changed or missing" };
        report.judge("consent.state", came == Some(sent), observed);
    }
}

/// Exchanges a code with a wrong redirect URL, and tests whether that uses the code up.
pub(super) async fn mismatch(
    zoom: &Zoom,
    code: &Secret,
    redirect: &Url,
    report: &mut Report,
) -> anyhow::Result<()> {
    let wrong = format!("{redirect}x");
    let answer = zoom.oauth("oauth/token", &by_code(code, &wrong)).await?;
    report.judge("token.redirect_mismatch", answer.is(400, "error", "invalid_request"), answer.words());
    if answer.status == 200 {
        report.note("token.mismatch_spends_code", Verdict::Unclear, "the exchange worked");
        return revoke(zoom, &answer, report).await;
    }
    let answer = zoom.oauth("oauth/token", &by_code(code, redirect.as_str())).await?;
    report.judge("token.mismatch_spends_code", answer.status != 200, answer.words());
    revoke(zoom, &answer, report).await
}

/// Revokes the grant in an answer, if there is one.
async fn revoke(zoom: &Zoom, answer: &Answer, report: &mut Report) -> anyhow::Result<()> {
    for field in ["access_token", "refresh_token"] {
        if let Some(token) = answer.secret(field) {
            report.hide(token.expose());
        }
    }
    if let Some(token) = answer.secret("access_token") {
        zoom.oauth("oauth/revoke", &[("token", token.expose())]).await?;
    }
    Ok(())
}

fn by_code<'a>(code: &'a Secret, redirect: &'a str) -> [(&'static str, &'a str); 3] {
    [("grant_type", "authorization_code"), ("code", code.expose()), ("redirect_uri", redirect)]
}

/// The tokens in an answer of the token endpoint.
struct Tokens {
    access: Secret,
    refresh: Secret,
}

impl Tokens {
    fn of(answer: &Answer, report: &mut Report) -> anyhow::Result<Self> {
        let token = |field| {
            answer.secret(field).with_context(|| format!("Zoom returned no {field}: {}", answer.words()))
        };
        let tokens = Self { access: token("access_token")?, refresh: token("refresh_token")? };
        report.hide(tokens.access.expose());
        report.hide(tokens.refresh.expose());
        Ok(tokens)
    }
}

/// Tests that need a grant, which is revoked at the end.
pub(super) async fn with_grant(
    zoom: &Zoom,
    code: &Secret,
    redirect: &Url,
    report: &mut Report,
) -> anyhow::Result<()> {
    let answer = zoom.oauth("oauth/token", &by_code(code, redirect.as_str())).await?;
    let first = Tokens::of(&answer, report)?;
    let fields = ["access_token", "refresh_token", "token_type", "expires_in", "scope", "api_url"];
    let has_all = fields.iter().all(|field| !answer.body[*field].is_null());
    let is_bearer =
        answer.body["token_type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
    report.judge("token.answer", has_all && is_bearer, answer.words());
    let seconds = answer.body["expires_in"].as_i64();
    let hour = seconds.is_some_and(|seconds| (3599..=3601).contains(&seconds));
    report.judge("token.hour", hour, format!("expires_in {}", answer.body["expires_in"]));
    let scopes = answer.body["scope"].as_str().unwrap_or_default().to_owned();

    rest(zoom, &first.access, &scopes, report).await?;
    tokens_of_the_user(zoom, &first.access, report).await?;
    let last = refreshes(zoom, first, report).await?;
    ends(zoom, code, redirect, last, report).await
}

async fn rest(zoom: &Zoom, access: &Secret, scopes: &str, report: &mut Report) -> anyhow::Result<()> {
    let me = zoom.rest("users/me", access).await?;
    for field in ["id", "account_id", "email", "display_name", "first_name", "last_name", "pmi"] {
        match &me.body[field] {
            Value::String(text) => report.hide(text),
            Value::Number(number) => report.hide(&number.to_string()),
            _ => {}
        }
    }
    let known = ["id", "account_id", "email", "type"].iter().all(|field| !me.body[*field].is_null());
    report.judge("me.answer", me.status == 200 && known, me.words());
    match me.header("x-ratelimit-category") {
        Some(category) => report.judge("limits.headers", category == "Light", category),
        None => report.note("limits.headers", Verdict::Refuted, "there is no such header"),
    }
    let answer = zoom.rest("users/me", &Secret::new(INVENTED)).await?;
    report.judge("rest.bad_token", answer.is(401, "code", "124"), answer.words());
    let answer = zoom.rest(&format!("users/{INVENTED}"), access).await?;
    judge_unless_scope(report, "rest.unknown_user", &answer, answer.is(404, "code", "1001"));
    let answer = zoom.rest("meetings/99999999999", access).await?;
    judge_unless_scope(report, "rest.unknown_meeting", &answer, answer.is(404, "code", "3001"));
    if scopes
        .split([' ', ','])
        .any(|scope| ["user:read:list_users:admin", "user:read:admin"].contains(&scope))
    {
        report.note("rest.scope_missing", Verdict::Unclear, "the app has the scope that should be missing");
    } else {
        let answer = zoom.rest("users", access).await?;
        let names = answer.body["message"]
            .as_str()
            .is_some_and(|words| words.contains('[') && words.contains("user:read"));
        report.judge("rest.scope_missing", answer.is(400, "code", "4711") && names, answer.words());
    }
    let answer = zoom.rest("users/me/", access).await?;
    report.judge("rest.trailing_slash", answer.status == 200, answer.words());
    Ok(())
}

/// Records a result, unless the call was refused because of a missing scope: then it is inconclusive.
fn judge_unless_scope(report: &mut Report, id: &'static str, answer: &Answer, as_expected: bool) {
    if answer.is(400, "code", "4711") {
        report.note(id, Verdict::Unclear, "the app lacks the scope for this call");
    } else {
        report.judge(id, as_expected, answer.words());
    }
}

async fn tokens_of_the_user(zoom: &Zoom, access: &Secret, report: &mut Report) -> anyhow::Result<()> {
    let mut minted = Vec::new();
    for path in [
        "users/me/token?type=zak",
        "users/me/token?type=zak&ttl=300",
        "users/me/token",
        "users/me/zak",
        "users/me/token?type=onbehalf",
    ] {
        let answer = zoom.rest(path, access).await?;
        let token = answer.secret("token");
        if let Some(token) = &token {
            report.hide(token.expose());
        }
        minted.push((answer, token));
    }
    let read = |(answer, token): &(Answer, Option<Secret>)| (answer.words(), token.as_ref().and_then(jwt));
    let seconds =
        |report: &mut Report, id, (words, token): (String, Option<(Value, Value)>), wanted| match token
            .and_then(|(_, payload)| life(&payload))
        {
            Some(seconds) => report.judge(id, seconds == wanted, format!("{seconds} s")),
            None => report.note(id, Verdict::Unclear, format!("no JWT with iat and exp: {words}")),
        };
    match read(&minted[0]) {
        (_, Some((header, payload))) => {
            let claims = payload.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
            let claims = claims.collect::<Vec<_>>().join(" ");
            let all = ["uid", "aid", "iat", "exp"].iter().all(|claim| !payload[*claim].is_null());
            report.judge(
                "zak.form",
                header["alg"] == "HS256" && all,
                format!("alg {}, claims {claims}", header["alg"]),
            );
        }
        (words, None) => report.note("zak.form", Verdict::Refuted, format!("no JWT: {words}")),
    }
    seconds(report, "zak.default_ttl", read(&minted[0]), 7200);
    seconds(report, "zak.ttl", read(&minted[1]), 300);
    let (words, token) = read(&minted[2]);
    let is_zak = token.is_some_and(|(_, payload)| !payload["uid"].is_null());
    report.judge("zak.default_type", !is_zak, words);
    seconds(report, "zak.short", read(&minted[3]), 300);
    match read(&minted[4]) {
        (words, _) if minted[4].1.is_none() => report.note("obf.form", Verdict::Unclear, words),
        (words, token) => {
            let ends = token.is_some_and(|(_, payload)| payload["exp"].is_i64());
            report.judge("obf.form", ends, words);
        }
    }
    for (id, ttl) in [("zak.ttl_too_long", "31536001"), ("zak.ttl_zero", "0")] {
        let answer = zoom.rest(&format!("users/me/token?type=zak&ttl={ttl}"), access).await?;
        if let Some(token) = answer.secret("token") {
            report.hide(token.expose());
        }
        report.judge(id, answer.status == 400, answer.words());
    }
    Ok(())
}

async fn refreshes(zoom: &Zoom, first: Tokens, report: &mut Report) -> anyhow::Result<Tokens> {
    let refresh = async |token: &Secret| {
        zoom.oauth("oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", token.expose())]).await
    };
    let answer = refresh(&first.refresh).await?;
    let second = Tokens::of(&answer, report)?;
    let rotated = second.refresh.expose() != first.refresh.expose();
    report.judge("refresh.rotates", rotated, if rotated { "another one" } else { "the same one" });
    let answer = zoom.rest("users/me", &first.access).await?;
    report.judge("refresh.access_before_lives", answer.status == 200, answer.words());
    let answer = refresh(&first.refresh).await?;
    report.judge("refresh.old_token_dead", answer.is(400, "error", "invalid_grant"), answer.words());
    // If the old refresh token still works, its answer replaces the newest tokens.
    let second = if answer.status == 200 { Tokens::of(&answer, report)? } else { second };
    let answer = refresh(&second.refresh).await?;
    report.judge("refresh.reuse_harmless", answer.status == 200, answer.words());
    if answer.status == 200 { Tokens::of(&answer, report) } else { Ok(second) }
}

async fn ends(
    zoom: &Zoom,
    code: &Secret,
    redirect: &Url,
    tokens: Tokens,
    report: &mut Report,
) -> anyhow::Result<()> {
    let answer = zoom.oauth("oauth/token", &by_code(code, redirect.as_str())).await?;
    report.judge("consent.code_once", answer.is(400, "error", "invalid_grant"), answer.words());
    let answer = zoom.rest("users/me", &tokens.access).await?;
    report.judge("consent.reuse_harmless", answer.status == 200, answer.words());
    let revoke = async || zoom.oauth("oauth/revoke", &[("token", tokens.access.expose())]).await;
    let answer = revoke().await?;
    report.judge("revoke.answer", answer.is(200, "status", "success"), answer.words());
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.expose())];
    let dead = zoom.rest("users/me", &tokens.access).await?;
    report.judge("revoke.access_dead", dead.is(401, "code", "124"), dead.words());
    let answer = zoom.oauth("oauth/token", &refresh).await?;
    report.judge("revoke.by_access_token", answer.is(400, "error", "invalid_grant"), answer.words());
    // Revokes what is left of the grant.
    self::revoke(zoom, &answer, report).await?;
    let answer = revoke().await?;
    report.judge("revoke.again", answer.is(400, "error", "invalid_grant"), answer.words());
    Ok(())
}

/// The error number in a page: from 4700 to 4799, possibly with a thousands comma.
fn error_number(page: &str) -> Option<u16> {
    let words = page.split(|char: char| !char.is_ascii_alphanumeric() && char != ',');
    let plain = |word: &str| word.len() == 4 || (word.len() == 5 && word.starts_with("4,"));
    let numbers = words.filter(|word| plain(word)).filter_map(|word| word.replace(',', "").parse().ok());
    numbers.into_iter().find(|number| (4700..4800).contains(number))
}
