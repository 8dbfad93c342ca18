//! Checks the SMTP server: whether it can be reached, has the right certificate, and accepts the login. Nothing is sent.

use std::error::Error as _;

use super::{
    Examined,
    report::{Finding, Report},
};

const CHECK: &str = "mail";

pub(super) async fn examine(examined: &Examined, report: &mut Report) {
    // Errors in the section are reported as a fault of the configuration.
    let Ok(Some(mailer)) = examined.config.mail.mailer(&examined.public_base, &examined.env) else {
        report
            .add(Finding::skipped(CHECK, "mail.server is not set: endpoints of the kind email are refused"));
        return;
    };
    report.add(match mailer.reach().await {
        Ok(()) => Finding::ok(CHECK, "the SMTP server is reachable, and accepts the login"),
        Err(error) => {
            let cause = error.source().map_or(String::new(), |cause| format!(": {cause}"));
            Finding::fault(
                CHECK,
                format!("{error}{cause}"),
                "Endpoints of the kind email receive nothing.",
                "Correct [mail]: server and port, tls (\"starttls\" for 587, \"tls\" for 465), user and password; set \
                 mail.ca_file to the authority of a certificate that is not trusted.",
            )
        }
    });
}
