//! The environment of bots: one account and one meeting at the simulated Zoom, and a Latchkey that knows both.

use std::{net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context as _, bail, ensure};
use model::{Secret, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use stage::{Bot, Server, Simulator, text};
use zoom::{AppKeys, Role};

use crate::test_bed::Place;

const PASSCODE: &str = "bench1";
/// Longer than a bot's own timeouts.
const WAIT_TIMEOUT: Duration = Duration::from_secs(120);
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Time for a page that has just become warm to compile the SDK's media part.
const SETTLING: Duration = Duration::from_secs(6);

/// The place, and what is set up in it. Servers and browsers are started per measurement.
pub(crate) struct World {
    pub(crate) place: Place,
    /// The first server's address, so that URLs stay valid.
    listen: SocketAddr,
    api_key: Secret,
    app: AppKeys,
    pub(crate) credential: String,
    /// The token link that returns the account's ZAK to a signed request.
    pub(crate) token_link: String,
    pub(crate) join_url: String,
    meeting_number: String,
    /// The Zoom user of the account.
    host: String,
}

impl World {
    pub(crate) async fn make(place: Place) -> anyhow::Result<Self> {
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = place.serve(any_port, None, &json!({ "capacity": 0 })).await?;

        let simulator = &place.simulator;
        // Allows many bots of one account in one meeting.
        let switches = json!({ "duplicate_identity": "allow" });
        simulator.call(Method::PATCH, "/switches", &switches).await?;
        let user = json!({ "email": "robin@example.com", "display_name": "Robin Notes" });
        let user = simulator.post("/users", &user).await?;
        let host = text(&user, "id")?.to_owned();
        let meeting = meeting_of(simulator, &host).await?;
        let redirect = format!("{}/oauth/zoom/callback", server.url);
        let app = json!({ "name": "Bench", "kind": "user_level", "sdk": true, "redirect_uris": [redirect] });
        let app = simulator.post("/apps", &app).await?;

        let credential = connect_account(&place, &server, &app).await?;
        let link = json!({ "credential": credential, "kind": "zak" });
        let link = server.post("/api/latchkey/v1/token-links/", &link).await?;
        let world = Self {
            listen: server.url.trim_start_matches("http://").parse()?,
            api_key: server.api_key.clone(),
            app: AppKeys {
                client_id: text(&app, "client_id")?.to_owned(),
                client_secret: Secret::new(text(&app, "client_secret")?),
            },
            credential,
            token_link: text(&link, "url")?.to_owned(),
            join_url: text(&meeting, "join_url")?.to_owned(),
            meeting_number: text(&meeting, "meeting_number")?.to_owned(),
            host,
            place,
        };
        server.stop().await;
        Ok(world)
    }

    /// Returns the place.
    pub(crate) fn leave(self) -> Place {
        self.place
    }

    /// Starts a server with `bots` as this section of its configuration; a capacity of 0 needs no Chromium.
    pub(crate) async fn serve(&self, bots: &Value) -> anyhow::Result<Server> {
        self.place.serve(self.listen, Some(self.api_key.clone()), bots).await
    }

    /// Parameters of the SDK's `join` for a guest.
    pub(crate) fn guest(&self, name: &str) -> [(&'static str, String); 5] {
        let signature =
            zoom::sdk_signature(&self.app, &self.meeting_number, Role::Join, self.place.env.now());
        [
            ("signature", signature.expose().to_owned()),
            ("meetingNumber", self.meeting_number.clone()),
            ("password", PASSCODE.to_owned()),
            ("userName", name.to_owned()),
            ("userEmail", String::new()),
        ]
    }

    /// Creates another meeting and returns its URL.
    pub(crate) async fn another_meeting(&self) -> anyhow::Result<String> {
        let meeting = meeting_of(&self.place.simulator, &self.host).await?;
        Ok(text(&meeting, "join_url")?.to_owned())
    }

    /// Sends a bot into the meeting, and waits until it has joined. Returns its id and the time of the join.
    pub(crate) async fn send_bot(
        &self,
        server: &Server,
        name: &str,
        zoom: &Value,
    ) -> anyhow::Result<(String, Timestamp)> {
        self.send_bot_to(&self.join_url, server, name, zoom).await
    }

    /// The same for the meeting with this URL.
    pub(crate) async fn send_bot_to(
        &self,
        meeting: &str,
        server: &Server,
        name: &str,
        zoom: &Value,
    ) -> anyhow::Result<(String, Timestamp)> {
        let request = json!({ "meeting_url": meeting, "bot_name": name, "zoom": zoom });
        let id = server.send_bot(&request).await?;
        let inside = |bot: &Bot| bot.at("in_call_not_recording").is_some();
        let bot = server.watch((&id, 0), WAIT_TIMEOUT, inside, |_| {}).await?;
        let Some(change) = bot.at("in_call_not_recording") else {
            let why = bot.status_changes.last().and_then(|change| change.message.as_deref());
            bail!("{name} is {} instead of in the call: {}", bot.code(), why.unwrap_or("no message"));
        };
        Ok((id, change.created_at))
    }

    /// Waits until the server has this many warm pages and the processor is idle again.
    pub(crate) async fn until_warm(&self, server: &Server, pages: usize) -> anyhow::Result<()> {
        let env = &self.place.env;
        let (line, give_up) = (format!("latchkey_warm_pages {pages}"), env.now() + WAIT_TIMEOUT);
        while !server.get_text("/metrics").await?.lines().any(|shown| shown == line) {
            ensure!(env.now() < give_up, "the server does not get {pages} warm pages");
            env.clock.sleep(POLL_INTERVAL).await;
        }
        env.clock.sleep(SETTLING).await;
        Ok(())
    }

    /// Tells a bot to leave, and waits until it has ended.
    pub(crate) async fn recall(&self, server: &Server, id: &str) -> anyhow::Result<()> {
        server.tell_to_leave(id).await?;
        let bot = server.watch((id, 0), WAIT_TIMEOUT, Bot::has_ended, |_| {}).await?;
        ensure!(bot.code() == "done", "a bot that was told to leave is {}", bot.code());
        Ok(())
    }

    /// Time of the latest join request of the bot with this name.
    pub(crate) async fn last_join_request(&self, name: &str) -> anyhow::Result<Timestamp> {
        let requests = self.place.simulator.join_requests(name).await?;
        let at = requests.last().with_context(|| format!("{name} made no join request"))?;
        Ok(Timestamp::from_microsecond(at * 1000))
    }
}

/// Creates a meeting with a participant: bots leave if only bots are present.
async fn meeting_of(simulator: &Simulator, host: &str) -> anyhow::Result<Value> {
    let meeting = json!({ "host_id": host, "passcode": PASSCODE, "started": true });
    let meeting = simulator.post("/meetings", &meeting).await?;
    let people = format!("/meetings/{}/participants", text(&meeting, "meeting_number")?);
    simulator.post(&people, &json!({ "name": "Robin" })).await?;
    Ok(meeting)
}

/// Registers the app at Latchkey, and consents at Zoom as a person would. Returns the account's id.
async fn connect_account(place: &Place, server: &Server, app: &Value) -> anyhow::Result<String> {
    let registration = json!({ "kind": "user_level", "client_id": app["client_id"],
                               "client_secret": app["client_secret"], "webhook_secret": "unused" });
    let app = server.post("/api/v2/zoom-oauth-apps/", &registration).await?;
    let invitation = json!({ "oauth_app": app["id"] });
    let invitation = server.post("/api/latchkey/v1/connect-links/", &invitation).await?;
    let browser = place.browser().await?;
    let said = stage::allow(&browser, text(&invitation, "url")?, None::<&Path>).await?;
    browser.close().await;
    let accounts = server.get("/api/v2/zoom-oauth-credentials/").await?;
    let account = &accounts["results"][0];
    ensure!(account["status"] == "healthy", "connecting the account ended with {said:?}");
    Ok(text(account, "id")?.to_owned())
}
