//! `cargo xtask model` runs this: every scenario, and every defect if wanted.

use std::process::ExitCode;

use model::check::{Broken, Report, check};
use model::defect::Defect;
use model::scenario::{Form, Scenario, scenarios};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let form = if has("--long") {
        Form::Long
    } else {
        Form::Short
    };
    let only = arguments
        .iter()
        .find_map(|argument| argument.strip_prefix("--only="));
    let mut well = true;
    for scenario in scenarios(form) {
        if only.is_none_or(|only| scenario.name.contains(only)) {
            well &= tell_scenario(&scenario, &check(&scenario, None));
        }
    }
    if has("--defects") {
        let scenarios = scenarios(Form::Short);
        for defect in Defect::ALL {
            let named = scenarios
                .iter()
                .find(|scenario| scenario.name == defect.scenario());
            well &= named.is_some_and(|scenario| tell_defect(*defect, scenario));
        }
    }
    if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn tell_scenario(scenario: &Scenario, report: &Report) -> bool {
    let Report {
        states,
        depth,
        invariants,
        shown,
        took,
        ..
    } = report;
    println!(
        "scenario: {} | {} | {states} | {depth} | {invariants} + {shown} | {:.1}",
        scenario.name,
        scenario.bounds.to_words(),
        took.as_secs_f64()
    );
    for missing in &report.missing {
        println!("  never happened: {missing}");
    }
    if let Some(broken) = &report.broken {
        tell_schedule(broken);
    }
    report.broken.is_none() && report.missing.is_empty()
}

fn tell_defect(defect: Defect, scenario: &Scenario) -> bool {
    let report = check(scenario, Some(defect));
    let Some(broken) = report.broken else {
        println!("  NOT CAUGHT: {}", defect.what());
        return false;
    };
    let expected = defect
        .breaks()
        .iter()
        .any(|invariant| invariant.name() == broken.property);
    println!(
        "defect: {} | {} | {} | {} | {}",
        defect.what(),
        scenario.name,
        broken.property,
        broken.steps.len(),
        report.states
    );
    if !expected {
        println!("  by another property than expected");
    }
    if !expected || std::env::args().any(|argument| argument == "--schedules") {
        tell_schedule(&broken);
    }
    expected
}

fn tell_schedule(broken: &Broken) {
    println!("  broken: {}", broken.property);
    for (number, step) in (1..).zip(&broken.steps) {
        println!("  {number:>3}. {step}");
    }
}
