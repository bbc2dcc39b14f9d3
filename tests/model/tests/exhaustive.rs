//! The short form: every schedule of every scenario, and every defect.

use model::check::{Report, check};
use model::defect::Defect;
use model::oracle::Invariant;
use model::scenario::{Form, Scenario, scenarios};

fn named(name: &str) -> Scenario {
    let mut all = scenarios(Form::Short).into_iter();
    all.find(|scenario| scenario.name == name)
        .unwrap_or_else(|| panic!("no scenario is called {name}"))
}

fn schedule(report: &Report) -> String {
    report.broken.as_ref().map_or_else(String::new, |broken| {
        format!("{}\n{}", broken.property, broken.steps.join("\n"))
    })
}

#[test]
fn no_schedule_breaks_an_invariant() {
    for scenario in scenarios(Form::Short) {
        let report = check(&scenario, None);
        assert!(
            report.broken.is_none(),
            "{}: {}",
            scenario.name,
            schedule(&report)
        );
        assert!(
            report.missing.is_empty(),
            "{} shows no {:?}",
            scenario.name,
            report.missing
        );
        println!("{}: {} states", scenario.name, report.states);
    }
}

#[test]
fn every_defect_is_caught_by_its_property() {
    for defect in Defect::ALL {
        let report = check(&named(defect.scenario()), Some(*defect));
        let property = report.broken.as_ref().map(|broken| broken.property);
        let expected: Vec<_> = defect
            .breaks()
            .iter()
            .map(|invariant| Some(invariant.name()))
            .collect();
        assert!(
            expected.contains(&property),
            "{defect:?}: {}",
            schedule(&report)
        );
    }
}

/// A property that nothing can break says nothing.
#[test]
fn every_invariant_has_a_defect() {
    for invariant in Invariant::ALL {
        let breaks = |defect: &&Defect| defect.breaks().contains(&invariant);
        assert!(
            Defect::ALL.iter().any(|defect| breaks(&defect)),
            "{invariant}"
        );
    }
}
