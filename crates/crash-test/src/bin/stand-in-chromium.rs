//! A stand-in for Chromium, only for the case in which a thousand bots join in one second.
//!
//! It implements the DevTools protocol on descriptors 3 and 4, as Chromium does, and answers the calls to a bot's page. Its
//! pages join no meetings. Each join and each end of a page is a line of `stand-in.log` next to the profiles.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, BufRead as _, BufReader, Write as _},
    path::PathBuf,
};

use model::Environment;
use serde_json::{Value, json};

/// One transparent pixel.
const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

struct Browser {
    answers: File,
    log: File,
    env: Environment,
    made: u64,
    /// The context of each session, and the bot in it once it has joined.
    pages: HashMap<String, (String, Option<String>)>,
}

fn main() -> io::Result<()> {
    let profile =
        std::env::args().find_map(|argument| Some(argument.strip_prefix("--user-data-dir=")?.to_owned()));
    let profile = PathBuf::from(profile.ok_or_else(|| io::Error::other("--user-data-dir is missing"))?);
    let log =
        profile.parent().ok_or_else(|| io::Error::other("the profile has no folder"))?.join("stand-in.log");
    let mut browser = Browser {
        answers: OpenOptions::new().write(true).open("/proc/self/fd/4")?,
        // Several browsers append whole lines to the same file.
        log: OpenOptions::new().create(true).append(true).open(log)?,
        env: Environment::system(),
        made: 0,
        pages: HashMap::new(),
    };
    for command in BufReader::new(File::open("/proc/self/fd/3")?).split(0) {
        let command: Value = serde_json::from_slice(&command?)?;
        if command["method"] == "Browser.close" {
            break;
        }
        browser.obey(&command)?;
    }
    Ok(())
}

impl Browser {
    fn obey(&mut self, command: &Value) -> io::Result<()> {
        let (params, session) = (&command["params"], command["sessionId"].as_str().unwrap_or_default());
        let mut says = Vec::new();
        let result = match command["method"].as_str().unwrap_or_default() {
            "Browser.getVersion" => json!({ "product": "StandIn/0.0.0.0" }),
            "Target.createBrowserContext" => json!({ "browserContextId": self.make("context") }),
            // A page has the id of its context: each context has one page.
            "Target.createTarget" => json!({ "targetId": params["browserContextId"] }),
            "Target.attachToTarget" => {
                let session = self.make("session");
                let context = params["targetId"].as_str().unwrap_or_default().to_owned();
                self.pages.insert(session.clone(), (context, None));
                json!({ "sessionId": session })
            }
            "Page.navigate" => {
                says.push(json!({ "type": "ready" }));
                json!({})
            }
            "Page.captureScreenshot" => json!({ "data": PIXEL }),
            "Runtime.evaluate" => json!({ "result": { "objectId": "bot", "value": true } }),
            "Runtime.callFunctionOn" => {
                let function = params["functionDeclaration"].as_str().unwrap_or_default();
                if function.contains("this.join(") {
                    let name =
                        params["arguments"][0]["value"]["userName"].as_str().unwrap_or_default().to_owned();
                    self.note("join", &name)?;
                    if let Some((_, bot)) = self.pages.get_mut(session) {
                        *bot = Some(name);
                    }
                    says.push(json!({ "type": "connection", "state": "Connected", "reason": null }));
                    says.push(json!({ "type": "roster", "hold": false, "others": 1 }));
                } else if function.contains("this.leave(") {
                    says.push(json!({ "type": "leaving" }));
                    says.push(json!({ "type": "left" }));
                }
                json!({ "result": {} })
            }
            "Target.disposeBrowserContext" => {
                self.close(params["browserContextId"].as_str().unwrap_or_default())?;
                json!({})
            }
            _ => json!({}),
        };
        self.send(&json!({ "id": command["id"], "result": result }))?;
        for message in says {
            let params = json!({ "name": "latchkeyEvent", "payload": message.to_string() });
            self.send(&json!({ "method": "Runtime.bindingCalled", "sessionId": session, "params": params }))?;
        }
        Ok(())
    }

    fn make(&mut self, what: &str) -> String {
        self.made += 1;
        format!("{what}-{}", self.made)
    }

    fn close(&mut self, context: &str) -> io::Result<()> {
        let sessions =
            self.pages.iter().filter(|(_, (of, _))| of == context).map(|(session, _)| session.clone());
        for session in sessions.collect::<Vec<_>>() {
            if let Some((_, Some(name))) = self.pages.remove(&session) {
                self.note("close", &name)?;
            }
        }
        Ok(())
    }

    fn note(&mut self, what: &str, name: &str) -> io::Result<()> {
        let at = self.env.now().as_microsecond();
        self.log.write_all(format!("{at} {what} {name}\n").as_bytes())
    }

    fn send(&mut self, message: &Value) -> io::Result<()> {
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.answers.write_all(&bytes)
    }
}
