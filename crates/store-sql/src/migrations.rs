//! The schema's migrations, by name.
//!
//! The table `schema_steps` of a database lists those that were run. Their numbers give the order and may
//! have gaps; a missing migration is run even if its number is below others. Migrations are only ever added.

/// A change of the schema.
#[derive(Debug)]
pub(crate) struct Migration {
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

macro_rules! migrations {
    ($($name:literal)*) => {
        pub(crate) const SQLITE: &[Migration] = &[$(Migration {
            name: $name,
            sql: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
        }),*];

        pub(crate) const POSTGRES: &[Migration] = &[$(Migration {
            name: $name,
            sql: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        }),*];
    };
}

migrations! {
    "0001_first"
    "0002_health"
    "0003_zoom_inbox"
    "0004_link_users"
    "0005_audit"
    "0006_parked_consents"
    "0007_pools"
    "0008_audit_about"
    "0009_meetings"
    "0010_zoom_limits"
    "0011_api_keys"
    "0012_link_terms"
    "0013_audit_batches"
    "0014_idempotent_requests"
    "0015_management"
    "0016_link_revision"
    "0017_bot_limits"
    "0021_app_registrations"
    "0022_member_addresses"
    "0025_app_signatures"
    "0026_bot_servers"
    "0029_authorizations_travel"
    "0030_used_ids"
    "0031_audit_subjects"
    "0041_events"
    "0053_meeting_list_leases"
    "0056_bot_outputs"
    "0059_meeting_events"
    "0061_realtime_endpoints"
    "0063_bot_server_capacity"
    "0064_ignored_fields"
    "0065_console"
    "0065_personal_links"
    "0066_bot_log"
    "0067_overview"
    "0068_webhook_probes"
    "0069_bot_lists"
    "0072_refresh_counts"
}

/// The difference between a database and this version.
#[derive(Debug)]
pub(crate) struct Difference {
    /// Migrations that the database lacks.
    pub(crate) missing: Vec<&'static Migration>,
    /// Migrations that this version doesn't know, because a newer version has run them.
    pub(crate) unknown: Vec<String>,
}

impl Difference {
    pub(crate) fn between(known: &'static [Migration], taken: &[String]) -> Self {
        let missing = known.iter().filter(|migration| !taken.iter().any(|name| name == migration.name));
        let unknown = taken.iter().filter(|name| !known.iter().any(|migration| migration.name == **name));
        Self { missing: missing.collect(), unknown: unknown.cloned().collect() }
    }

    /// Names of the missing migrations, for an error message.
    pub(crate) fn missing(&self) -> String {
        self.missing.iter().map(|migration| migration.name).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Migration] = &[
        Migration { name: "0001_one", sql: "" },
        Migration { name: "0004_late", sql: "" },
        Migration { name: "0007_seven", sql: "" },
    ];

    /// Two migrations share a number: they were merged at the same time and have already been run.
    #[test]
    fn no_other_two_share_a_number() {
        let number = |migration: &Migration| migration.name.split('_').next().unwrap();
        let numbers: Vec<_> = SQLITE.iter().map(number).collect();
        let twice = numbers.windows(2).filter(|pair| pair[0] >= pair[1]).map(|pair| pair[0]);
        assert_eq!(twice.collect::<Vec<_>>(), ["0065"], "numbers increase");
    }

    #[test]
    fn numbers_may_have_gaps_and_be_added_late() {
        let taken = ["0001_one".to_owned(), "0007_seven".to_owned()];
        let difference = Difference::between(KNOWN, &taken);
        assert_eq!((&*difference.missing(), difference.unknown.len()), ("0004_late", 0));
    }

    #[test]
    fn migrations_of_a_newer_version_are_unknown() {
        let taken = ["0001_one".to_owned(), "0009_nine".to_owned()];
        assert_eq!(Difference::between(KNOWN, &taken).unknown, ["0009_nine"]);
    }

    #[test]
    fn the_names_are_in_order_and_no_file_is_missing() {
        for (known, folder) in [(SQLITE, "sqlite"), (POSTGRES, "postgres")] {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/").to_owned() + folder;
            let mut files: Vec<_> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            files.sort_unstable();
            let names: Vec<_> = known.iter().map(|migration| format!("{}.sql", migration.name)).collect();
            assert_eq!(names, files);
        }
    }
}
