//! The report, for people.

use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};

use crate::accounts::{Accounts, Size, Storm, Storms};
use crate::report::{Bots, JoinRow, MemoryRow, Report, TokenRow, Tokens};

pub(crate) fn print(report: &Report) {
    println!();
    if let Some(Bots { joins, memory }) = &report.bots {
        println!("Joins: medians of {} each, in {}", rounds(&joins.rows), joins.chromium);
        let row = |row: &JoinRow| {
            let JoinRow { who, to_join_request_ms: asked, to_in_call_ms: inside, .. } = row;
            [
                (*who).to_owned(),
                format!("{:.0} ms", asked.median),
                times(row.to_join_request_ratio),
                format!("{:.0} ms", inside.median),
                times(row.to_in_call_ratio),
            ]
        };
        table(["", "create → join request", "", "create → in call", ""], joins.rows.iter().map(row));

        println!("Memory of the browser (PSS), all of it; aim ≤ {}", times(memory.aim_ratio));
        if memory.foreign_chromium_processes > 0 {
            println!("! {} other Chromium processes were running", memory.foreign_chromium_processes);
        }
        let row = |row: &MemoryRow| {
            let MemoryRow { bots, bare_mb: bare, latchkey_mb: ours, shipped_mb: shipped, .. } = row;
            let bots = f64::from(u32::try_from(*bots).unwrap_or(u32::MAX));
            [
                bots.to_string(),
                format!("{:.0} MB", bare.median),
                format!("{:.0} MB", ours.median),
                format!("{:.0} MB / {:.0} MB", bare.median / bots, ours.median / bots),
                times(row.ratio),
                format!("{:.0} MB", shipped.median),
                times(row.shipped_ratio),
            ]
        };
        let heads = ["in the call", "bare page", "Latchkey", "per bot", "", "with warm page, server", ""];
        table(heads, memory.rows.iter().map(row));
    }
    if let Some(tokens) = &report.tokens {
        let Tokens { aim_ratio, wrk, bare, latchkey, ratio, relaxed, relaxed_ratio, zak_mints } = tokens;
        let runs = bare.reads_per_second.values.len();
        println!("ZAK reads: medians of {runs} runs each, {wrk}; aim ≥ {}", times(*aim_ratio));
        let row = |(who, row, ratio): (&str, &TokenRow, f64)| {
            [
                who.to_owned(),
                format!("{:.0} /s", row.reads_per_second.median),
                times(ratio),
                format!("{:.1} ms", row.p99_ms.median),
                format!("{:.0} µs", row.processor_us_per_read.median),
            ]
        };
        let rows = [
            ("verifier alone", bare, 1.0),
            ("Latchkey", latchkey, *ratio),
            ("relaxed audit", relaxed, *relaxed_ratio),
        ];
        table(["", "reads", "", "p99", "processor per read"], rows.into_iter().map(row));
        println!(
            "Zoom minted {zak_mints} ZAKs for all of them; each of the {} servers began with an empty memory.",
            2 * runs
        );
    }
    if let Some(accounts) = &report.accounts {
        print_accounts(accounts);
    }
    if let Some(storms) = &report.storms {
        print_storms(storms);
    }
    if report.quick {
        println!("A smoke run: these figures mean little.");
    }
}

fn print_accounts(accounts: &Accounts) {
    let (due, lookup) = (times(accounts.due_aim_ratio), times(accounts.lookup_aim_ratio));
    println!(
        "Many accounts: medians; aims: ≤ {due} for a due one, ≤ {lookup} for a lookup, idle memory the same"
    );
    let row = |size: &Size| {
        [
            format!("{} {}", size.store, size.accounts),
            format!("{:.0} µs", size.due_us.median),
            times(size.due_ratio),
            format!("{:.0} µs", size.lookup_us.median),
            times(size.lookup_ratio),
            format!("{:.1} MB", size.idle_mb),
        ]
    };
    table(["accounts", "a due one", "", "two lookups", "", "idle server"], accounts.sizes.iter().map(row));
}

fn print_storms(storms: &Storms) {
    println!("All due at once; aim: ≥ {:.0} % of the limit, none refused", storms.aim * 100.0);
    let row = |storm: &Storm| {
        [
            format!("{} at {}/s", storm.accounts, storm.limit_per_second),
            format!("{:.0} s", storm.seconds),
            format!("{:.1} %", storm.used * 100.0),
            storm.refused.to_string(),
        ]
    };
    table(["", "took", "of the limit", "refused"], storms.storms.iter().map(row));
}

fn rounds(rows: &[JoinRow]) -> usize {
    rows.first().map_or(0, |row| row.to_in_call_ms.values.len())
}

fn times(ratio: f64) -> String {
    format!("{ratio:.2} ×")
}

/// The first column is words, all others are figures.
fn table<const N: usize>(heads: [&str; N], rows: impl Iterator<Item = [String; N]>) {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(heads).add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}\n");
}
