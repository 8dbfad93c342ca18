//! Prints the report for people.

use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};

use crate::accounts::{Accounts, Size, Storm, Storms};
use crate::burst::{self, BurstRow};
use crate::deliveries::{BacklogRow, Deliveries, Latency, Rate};
use crate::pages::{PageRow, Pages};
use crate::report::{Bots, JoinRow, MemoryRow, Report, TokenRow, TokenSize, Tokens};
use crate::statistics::Sample;

pub(crate) fn print(report: &Report) {
    println!();
    if let Some(Bots { joins, memory, idle }) = &report.bots {
        println!("Joins: medians of {} each, in {}", rounds(&joins.rows), joins.chromium);
        let row = |row: &JoinRow| {
            let JoinRow { who, to_join_request_ms: asked, to_in_call_ms: inside, .. } = row;
            [
                (*who).to_owned(),
                format!("{:.0} ms", asked.median),
                with_aim(row.to_join_request_ratio, row.aims.map(|aims| aims.0)),
                format!("{:.0} ms", inside.median),
                with_aim(row.to_in_call_ratio, row.aims.map(|aims| aims.1)),
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
        let further = &memory.further;
        println!(
            "A further bot: {:.0} MB, a further bare page {:.0} MB, {}",
            further.latchkey_mb.median,
            further.bare_mb.median,
            with_aim(further.ratio, Some(further.aim_ratio))
        );
        println!(
            "An idle bot, where reactions are allowed: {:.3} of a core, aim ≤ {}\n",
            idle.of_a_core.median, idle.aim
        );
    }
    if let Some(bursts) = &report.bursts {
        println!("Bots requested at once; aim ≤ {} for the last compared with the first", times(burst::AIM));
        let row = |row: &BurstRow| {
            [
                format!("{} at once, {}", row.bots, row.who),
                format!("{:.0} ms", row.first_join_request_ms.median),
                format!("{:.0} ms", row.last_join_request_ms.median),
                ratios(&row.ratio),
            ]
        };
        table(["", "first join request", "last join request", ""], bursts.iter().map(row));
    }
    if let Some(tokens) = &report.tokens {
        print_tokens(tokens);
    }
    if let Some(accounts) = &report.accounts {
        print_accounts(accounts);
    }
    if let Some(storms) = &report.storms {
        print_storms(storms);
    }
    if let Some(deliveries) = &report.deliveries {
        print_deliveries(deliveries);
    }
    if let Some(pages) = &report.pages {
        print_pages(pages);
    }
    if report.quick {
        println!("A smoke run: these figures are not meaningful.");
    }
}

fn print_tokens(tokens: &Tokens) {
    let Tokens { wrk, zoom_delay_ms, p99_aim_ms, zoom_calls_aim, rows, sizes } = tokens;
    println!(
        "ZAK reads: medians of {} runs each, {wrk}, one core for the server, Zoom at {zoom_delay_ms} ms; aims: \
         p99 < {p99_aim_ms} ms with a strict audit, at most {zoom_calls_aim} calls of Zoom for 1000 reads",
        rows.first().map_or(0, |row| row.p99_ms.values.len())
    );
    let figures = |row: &TokenRow| {
        [
            format!("{:.0} /s", row.reads_per_second.median),
            ratios(&row.ratio),
            format!("{:.1} ms", row.p50_ms.median),
            format!("{:.1} ms", row.p99_ms.median),
            format!("{:.1} µs", row.processor_us_per_read.median),
        ]
    };
    let row = |row: &TokenRow| {
        let [reads, ratio, p50, p99, processor] = figures(row);
        let aim = row.aim_ratio.map_or_else(String::new, |aim| format!("≥ {}", times(aim)));
        let calls = format!("{:.3}", row.zoom_calls_per_1000);
        [row.who.to_owned(), reads, ratio, aim, p50, p99, processor, calls]
    };
    let heads = ["", "reads", "", "aim", "p50", "p99", "processor per read", "Zoom calls per 1000"];
    table(heads, rows.iter().map(row));

    println!("With a strict audit on SQLite, all ZAKs in memory; aim: flat");
    let row = |size: &TokenSize| {
        let [reads, ratio, p50, p99, processor] = figures(&size.row);
        [size.accounts.to_string(), reads, ratio, p50, p99, processor]
    };
    table(["accounts", "reads", "", "p50", "p99", "processor per read"], sizes.iter().map(row));
}

fn print_deliveries(deliveries: &Deliveries) {
    let Deliveries { p50_aim_ms, p99_aim_ms, rate_aim, backlog_aim_ratio, .. } = deliveries;
    println!("Deliveries: from a change to its receiver; aims: p50 ≤ {p50_aim_ms} ms, p99 ≤ {p99_aim_ms} ms");
    let row = |row: &Latency| {
        let Latency { store, p50_ms, p99_ms, changes } = row;
        [(*store).to_owned(), changes.to_string(), format!("{p50_ms:.1} ms"), format!("{p99_ms:.1} ms")]
    };
    table(["", "changes", "p50", "p99"], deliveries.latencies.iter().map(row));
    println!("To many endpoints, one of them dead, one core for the server; aim ≥ {rate_aim} /s");
    let row = |row: &Rate| {
        [
            row.store.to_owned(),
            row.endpoints.to_string(),
            row.deliveries.to_string(),
            format!("{:.0} /s", row.per_second),
            format!("{:.0} µs", row.processor_us_each),
        ]
    };
    table(["", "endpoints", "deliveries", "", "processor for each"], deliveries.rates.iter().map(row));
    println!("An endpoint's turn in the store while so many wait; aim ≤ {}", times(*backlog_aim_ratio));
    let row = |row: &BacklogRow| {
        [
            row.store.to_owned(),
            row.waiting.to_string(),
            format!("{:.0} µs", row.turn_us.median),
            times(row.ratio),
        ]
    };
    table(["", "waiting", "a turn", ""], deliveries.backlogs.iter().map(row));
}

fn print_pages(pages: &Pages) {
    let Pages { aim_ms, bots, accounts, rows } = pages;
    println!("First byte of the console's pages with {bots} bots and {accounts} accounts; aim ≤ {aim_ms} ms");
    let row = |row: &PageRow| {
        let (_, highest) = row.first_byte_ms.range();
        [
            row.store.to_owned(),
            row.page.to_owned(),
            format!("{:.1} ms", row.first_byte_ms.median),
            format!("{highest:.1} ms"),
            format!("{:.0} ms", row.drawn_ms.median),
            row.table_rows.to_string(),
        ]
    };
    table(["", "", "median", "highest", "drawn", "rows"], rows.iter().map(row));
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

/// The median and the range.
fn ratios(ratios: &Sample) -> String {
    let (lowest, highest) = ratios.range();
    if ratios.values.len() < 2 {
        times(ratios.median)
    } else {
        format!("{} ({lowest:.2}–{highest:.2})", times(ratios.median))
    }
}

fn with_aim(ratio: f64, aim: Option<f64>) -> String {
    aim.map_or_else(|| times(ratio), |aim| format!("{}, aim ≤ {}", times(ratio), times(aim)))
}

fn times(ratio: f64) -> String {
    format!("{ratio:.2} ×")
}

/// Prints a table: the first column is text, all others are figures.
fn table<const N: usize>(heads: [&str; N], rows: impl Iterator<Item = [String; N]>) {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(heads).add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}\n");
}
