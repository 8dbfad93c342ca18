//! The demo's steps, from an empty folder to the last bot.

use std::{net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context as _, bail};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use browser::{Browser, SDK_VERSION};
use model::Environment;
use reqwest::Method;
use serde_json::{Value, json};
use stage::{Server, Simulator, text};

use super::{
    Arguments, RunFolder, Screen,
    meeting_report::{self, Minutes},
    report::{Report, Step, ZoomCounts},
    steps::Stage,
};
use crate::config::{Config, NumberOrMeasured};

/// Bot B's camera picture.
const PICTURE: &[u8] = include_bytes!("picture.jpeg");
/// Bot B's chat message.
const GREETING: &str = "Hello, I take the notes. They will be at https://example.com/notes/7";

/// The users and meetings at Zoom.
struct Cast {
    /// The bots sign in with Robin's account.
    robin: Value,
    /// A bot starts Hana's meeting.
    hana: Value,
    /// Sam's meeting, which only admits signed-in users.
    strict_meeting: Value,
    /// Hana's meeting, not started.
    hanas_meeting: Value,
}

/// The accounts at Latchkey, and the token link that issues ZAKs.
struct Accounts {
    hana: String,
    token_link: String,
}

/// A finished demo whose processes still run.
pub(super) struct StillRunning {
    happened: bool,
    latchkey: Server,
    simulator: Simulator,
}

/// Runs the demo.
pub(super) async fn tell(
    arguments: &Arguments,
    folder: &RunFolder,
    screen: &Screen,
    env: &Environment,
) -> anyhow::Result<StillRunning> {
    let (program, http) = (std::env::current_exe()?, stage::client()?);
    screen.doing("starting the Zoom simulator");
    let (directory, log) = (folder.data().join("zoom"), folder.out().join("simulator.log"));
    let simulator = Simulator::start(&program, &directory, &log, http.clone(), env).await?;
    let at = &simulator.ready;
    screen.done(format!("Zoom simulator at {} (control: {}/)", at.zoom_base, at.control));

    screen.doing("starting Latchkey and its Chromium");
    let (config, log) = (folder.data().join("latchkey.toml"), folder.out().join("latchkey.log"));
    std::fs::write(&config, toml::to_string(&configuration(arguments, folder, at)?)?)?;
    let latchkey = Server::start(&program, &config, None, &log, http, env).await?;
    screen.done(format!("Latchkey at {}", latchkey.url));
    let stage = Stage { latchkey: &latchkey, simulator: &simulator, screen, out: folder.out() };

    let (cast, accounts) = prepare(&stage, arguments, folder, env).await?;
    let (steps, minutes) = play(&stage, &cast, &accounts, env).await?;
    let report = Report {
        ok: steps.len() == 4 && steps.iter().all(|step| step.ok),
        sdk_version: SDK_VERSION,
        chromium: latchkey.chromium.clone(),
        steps,
        minutes,
        zoom: ZoomCounts::of(&simulator).await?,
    };
    let path = folder.publish_report(&serde_json::to_string_pretty(&report)?)?;
    conclude(screen, &report, &path);
    if arguments.stay {
        // Zoom admits a user once: while bot D is in the meeting, the visitor's own bot would be refused.
        let last = report.steps.last().and_then(|step| step.bot_id.as_deref()).unwrap_or_default();
        latchkey.tell_to_leave(last).await?;
        stay(screen, &latchkey, &simulator, &cast, &accounts);
    }
    Ok(StillRunning { happened: report.ok, latchkey, simulator })
}

impl StillRunning {
    /// Stops the processes. Returns `true` if every step succeeded.
    pub(super) async fn stop(self, env: &Environment) -> bool {
        self.latchkey.stop().await;
        self.simulator.stop(env).await;
        self.happened
    }
}

/// The configuration of a Latchkey that uses the simulator and may fetch its own token links from loopback.
fn configuration(arguments: &Arguments, folder: &RunFolder, at: &zoom_sim::Ready) -> anyhow::Result<Config> {
    let mut config = Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        data_dir: folder.data().join("latchkey"),
        ..Config::default()
    };
    config.zoom.oauth_base = at.zoom_base.parse()?;
    config.zoom.api_base = at.api_base.parse()?;
    config.zoom.ca_file = Some(at.ca_file.clone());
    config.zoom.meeting_address = Some(at.zoom_address.parse()?);
    config.zoom.meeting_spki = Some(at.spki.clone());
    config.zoom.simulator_control = Some(at.control.parse()?);
    config.browser.chromium.clone_from(&arguments.chromium);
    config.browser.sdk_dir.clone_from(&arguments.sdk_dir);
    config.browser.sandbox = arguments.sandbox;
    // The four bots join one after the other.
    config.bots.warm_pages = NumberOrMeasured::Number(1);
    config.callbacks.allow_networks = vec!["127.0.0.0/8".into()];
    // The demo polls every bot ten times a second.
    config.limits.enabled = false;
    Ok(config)
}

/// Creates users, an app and meetings at Zoom, and registers the app and both accounts at Latchkey.
async fn prepare(
    stage: &Stage<'_>,
    arguments: &Arguments,
    folder: &RunFolder,
    env: &Environment,
) -> anyhow::Result<(Cast, Accounts)> {
    let Stage { latchkey, simulator, screen, .. } = stage;
    screen.doing("registering the Zoom app");
    let robin = json!({ "email": "robin@example.com", "display_name": "Robin Notes" });
    let robin = simulator.post("/users", &robin).await?;
    let hana = json!({ "email": "hana@example.com", "display_name": "Hana Host" });
    let hana = simulator.post("/users", &hana).await?;
    let sam = simulator
        .post("/users", &json!({ "email": "sam@example.com", "display_name": "Sam Strict" }))
        .await?;
    let app = json!({
        "name": "Latchkey demo",
        "kind": "user_level",
        "sdk": true,
        "redirect_uris": [format!("{}/oauth/zoom/callback", latchkey.url)],
    });
    let app = simulator.post("/apps", &app).await?;
    let registration = json!({
        "kind": "user_level",
        "client_id": app["client_id"],
        "client_secret": app["client_secret"],
        "webhook_secret": "unused-in-the-demo",
    });
    let registered = latchkey.post("/api/v2/zoom-oauth-apps/", &registration).await?;
    screen.done("OAuth app registered; its secret also signs the SDK's joins");

    let state_dir = folder.data().join("person");
    let zoom = simulator.for_browsers()?;
    let mut person = stage::browser_config(&arguments.chromium, &arguments.sdk_dir, state_dir, zoom);
    person.sandbox = arguments.sandbox.unwrap_or(person.sandbox);
    let person = Browser::launch(person, env.clone()).await?;
    for (user, name) in [(&robin, "robin"), (&hana, "hana")] {
        let display_name = text(user, "display_name")?;
        screen.doing(format!("{display_name} connects the account: consent at Zoom, Allow"));
        simulator.call(Method::PUT, "/signed-in", &json!({ "user_id": user["id"] })).await?;
        let invitation = json!({ "oauth_app": registered["id"] });
        let invitation = latchkey.post("/api/latchkey/v1/connect-links/", &invitation).await?;
        let picture = folder.out().join(format!("consent-{name}.png"));
        let said = stage::allow(&person, text(&invitation, "url")?, Some(&picture)).await?;
        if said != format!("{display_name} is connected") {
            bail!("connecting {display_name} ended with {said:?}");
        }
        screen.done(said);
    }
    person.close().await;

    let connected = latchkey.get("/api/v2/zoom-oauth-credentials/").await?;
    let account = |user: &Value| {
        let mut all = connected["results"].as_array().into_iter().flatten();
        let found =
            all.find(|credential| credential["user_id"] == user["id"] && credential["status"] == "healthy");
        found
            .and_then(|credential| credential["id"].as_str())
            .map(str::to_owned)
            .context("an account is not healthy")
    };
    let link = json!({ "credential": account(&robin)?, "kind": "zak" });
    let link = latchkey.post("/api/latchkey/v1/token-links/", &link).await?;
    let accounts = Accounts { hana: account(&hana)?, token_link: text(&link, "url")?.to_owned() };

    let strict = json!({ "host_id": sam["id"], "topic": "Signed-in users only", "passcode": "latch1",
                         "sign_in": "any", "started": true, "webrtc_video": true });
    let strict_meeting = simulator.post("/meetings", &strict).await?;
    let hanas = json!({ "host_id": hana["id"], "topic": "Hana’s meeting", "passcode": "latch2" });
    let hanas_meeting = simulator.post("/meetings", &hanas).await?;
    screen.done("two meetings at Zoom; the host of one admits signed-in users only");
    Ok((Cast { robin, hana, strict_meeting, hanas_meeting }, accounts))
}

/// Runs the four bots.
async fn play(
    stage: &Stage<'_>,
    cast: &Cast,
    accounts: &Accounts,
    env: &Environment,
) -> anyhow::Result<(Vec<Step>, Minutes)> {
    let Stage { latchkey, simulator, screen, .. } = stage;
    let strict_url = text(&cast.strict_meeting, "join_url")?;

    screen.doing("bot A asks to join without a ZAK");
    let request = json!({ "meeting_url": strict_url, "bot_name": "Bot A, anonymous" });
    let mut refused = stage.send("refused_without_zak", &request).await?;
    let sign_in = refused.sub_code.as_deref() == Some("meeting_requires_sign_in");
    refused.ok = sign_in && refused.codes.last().is_some_and(|code| code == "fatal");
    stage.mark(&refused, "refused: the host only admits signed-in users");

    screen.doing("bot B joins with a ZAK from its token link");
    let name = "Bot B, signed in";
    let zoom = json!({ "zak_url": accounts.token_link });
    let picture = json!({ "kind": "jpeg", "b64_data": BASE64_STANDARD.encode(PICTURE) });
    let request = json!({
        "meeting_url": strict_url, "bot_name": name, "zoom": zoom,
        "automatic_video_output": { "in_call_not_recording": picture },
        "chat": { "on_bot_join": { "send_to": "everyone", "message": GREETING } },
        "recording_config": { "transcript": { "provider": { "meeting_captions": {} } } },
    });
    simulator.play(text(&cast.strict_meeting, "meeting_number")?, meeting_report::SCRIPT).await?;
    let mut signed_in = stage.send("signed_in_with_zak", &request).await?;
    let roster = simulator.participants(text(&cast.strict_meeting, "meeting_number")?).await?;
    let seen = roster.iter().any(|who| {
        who.name == name
            && who.user_id.as_deref() == cast.robin["id"].as_str()
            && who.avatar.is_some()
            && who.avatar.as_deref() == cast.robin["pic_url"].as_str()
    });
    let inside = signed_in.create_to_in_call_ms.is_some();
    stage.mark_if(inside && seen, "in the call, under its own name, with Robin’s picture");

    screen.doing("bot C starts Hana’s meeting on her behalf");
    let number = text(&cast.hanas_meeting, "meeting_number")?;
    let before = simulator.get(&format!("/meetings/{number}")).await?;
    let zoom = json!({ "credential": accounts.hana, "start_meeting": true });
    let request = json!({ "meeting_url": text(&cast.hanas_meeting, "join_url")?, "bot_name": "Bot C, for Hana",
                          "zoom": zoom });
    let mut started = stage.send("started_on_behalf", &request).await?;
    let after = simulator.get(&format!("/meetings/{number}")).await?;
    let hosts = simulator.participants(number).await?;
    let hosts = hosts.len() == 1
        && hosts[0].role == "host"
        && hosts[0].user_id.as_deref() == cast.hana["id"].as_str();
    let in_call = started.create_to_in_call_ms.is_some();
    started.ok = in_call && before["started"] == false && after["started"] == true && hosts;
    stage.mark(&started, "started as host, before Hana was there");

    screen.doing("bot B shows its picture and greets in the chat");
    let seen_and_heard = shows_and_greets(simulator, &cast.strict_meeting, name, env).await?;
    stage.mark_if(seen_and_heard, "its own picture is on, over Robin’s, and its greeting is in the chat");

    screen.doing("Sam and Kim talk, and bot B listens");
    let bot = signed_in.bot_id.as_deref().unwrap_or_default();
    let minutes = Minutes::once_complete(latchkey, bot, env).await?;
    for line in minutes.lines() {
        screen.say(format!("      {line}"));
    }
    stage.mark_if(minutes.is_complete(), "bot B recorded the participants, and what was said and written");

    screen.doing("bot B is told to leave");
    let (bot, step) = stage.recall(signed_in).await?;
    signed_in = step;
    // The latest picture: its camera is on by then.
    signed_in.screenshot = stage.picture(signed_in.name, &bot).await?;
    let left =
        bot.at("call_ended").and_then(|change| change.sub_code.as_deref()) == Some("bot_received_leave_call");
    let all_of_it = seen && seen_and_heard && minutes.is_complete();
    signed_in.ok = inside && all_of_it && left && bot.code() == "done";
    stage.mark_if(left && bot.code() == "done", "left when told");

    screen.doing("an hour passes at Zoom: the access token has expired, and bot D needs a new ZAK");
    let refreshes = simulator.count("refreshes").await?;
    simulator.post("/clock", &json!({ "advance_seconds": 3700 })).await?;
    // `fresh` bypasses the cache, in which bot B's ZAK is still valid for an hour.
    let zoom = json!({ "zak_url": format!("{}?fresh=1", accounts.token_link) });
    let request = json!({ "meeting_url": strict_url, "bot_name": "Bot D, an hour later", "zoom": zoom });
    let mut after_refresh = stage.send("after_refresh", &request).await?;
    let rotated = simulator.count("refreshes").await? == refreshes + 1;
    after_refresh.ok = after_refresh.create_to_in_call_ms.is_some() && rotated;
    stage.mark(&after_refresh, "refreshed once, the refresh token rotated, and in");
    Ok((vec![refused, signed_in, started, after_refresh], minutes))
}

/// Whether others see the camera of the bot named `name` and its greeting within ten seconds.
async fn shows_and_greets(
    simulator: &Simulator,
    meeting: &Value,
    name: &str,
    env: &Environment,
) -> anyhow::Result<bool> {
    let path = format!("/meetings/{}", text(meeting, "meeting_number")?);
    let any =
        |list: &Value, is: &dyn Fn(&Value) -> bool| list.as_array().is_some_and(|list| list.iter().any(is));
    for _ in 0..100 {
        let (meeting, chat) = (simulator.get(&path).await?, simulator.get(&format!("{path}/chat")).await?);
        let on = any(&meeting["participants"], &|who| who["name"] == name && who["video_on"] == true);
        let greeted = any(&chat, &|said| said["sender"] == name && said["text"] == GREETING);
        if on && greeted {
            return Ok(true);
        }
        env.clock.sleep(Duration::from_millis(100)).await;
    }
    Ok(false)
}

impl Stage<'_> {
    fn mark(&self, step: &Step, what: &str) {
        self.mark_if(step.ok, what);
    }

    fn mark_if(&self, happened: bool, what: &str) {
        if happened { self.screen.done(what) } else { self.screen.missed(what) }
    }
}

fn conclude(screen: &Screen, report: &Report, path: &Path) {
    screen.say("");
    screen.table(report);
    for shot in report.steps.iter().filter_map(|step| step.screenshot.as_deref()) {
        screen.say(format!("  {shot}"));
    }
    let zoom = &report.zoom;
    screen.say(format!(
        "Zoom counted {} refresh(es), {} ZAK mints, {} joins.",
        zoom.refreshes, zoom.zak_mints, zoom.joins
    ));
    screen.say(format!("Report: {}", path.display()));
}

/// Prints what to try while everything runs. It shows the API key: the server is on loopback and ends with this terminal.
fn stay(screen: &Screen, latchkey: &Server, simulator: &Simulator, cast: &Cast, accounts: &Accounts) {
    let (url, control) = (&latchkey.url, &simulator.ready.control);
    let join_url = cast.strict_meeting["join_url"].as_str().unwrap_or_default();
    let number = cast.strict_meeting["meeting_number"].as_str().unwrap_or_default();
    let request =
        json!({ "meeting_url": join_url, "bot_name": "Mine", "zoom": { "zak_url": accounts.token_link } });
    screen.say(format!(
        "\nEverything keeps running until Ctrl-C.\n\
         Latchkey {url}   simulator {control}/\n\n\
         # the console, in a browser: works once, within 15 minutes; later {url}/ asks for the key below\n\
         {console}\n\
         export LATCHKEY_URL={url} LATCHKEY_API_KEY={key}\n\
         # send a bot\n\
         curl -s $LATCHKEY_URL/api/v1/bot/ -H \"Authorization: Token $LATCHKEY_API_KEY\" --json '{request}'\n\
         # see all bots\n\
         curl -s $LATCHKEY_URL/api/v1/bot/ -H \"Authorization: Token $LATCHKEY_API_KEY\"\n\
         # who is in the meeting, as Zoom sees it\n\
         curl -s {control}/meetings/{number}\n\
         # end the meeting for all\n\
         curl -s -X POST {control}/meetings/{number}/end\n\
         # the next refresh loses its answer\n\
         curl -s {control}/faults -H 'Content-Type: application/json' -d '{{\"where\":\"refresh\",\"kind\":\"lose_answer\",\"times\":1}}'\n\
         # what Zoom has counted\n\
         curl -s {control}/stats\n",
        key = latchkey.api_key.expose(),
        console = latchkey.console.as_ref().map_or(url.as_str(), |console| console.expose()),
    ));
}
