//! Prometheus' text format, read strictly: what is not exactly as it says panics.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use e2e::Server;

/// What a server counted at a moment.
#[derive(Debug)]
pub struct Scrape {
    /// The type of each metric.
    pub types: BTreeMap<String, String>,
    /// The value of each series, under its name and labels as they stand in the text.
    pub series: BTreeMap<String, f64>,
    /// The text.
    pub text: String,
}

impl Scrape {
    /// Asks a server.
    #[track_caller]
    pub fn of(server: &Server) -> Self {
        Self::parse(&server.call("GET", "/metrics").send().expect(200).text())
    }

    #[track_caller]
    fn parse(text: &str) -> Self {
        let mut scrape = Self {
            types: BTreeMap::new(),
            series: BTreeMap::new(),
            text: text.to_owned(),
        };
        assert!(text.ends_with('\n'), "the last line ends");
        let mut lines = text.lines().filter(|line| !line.is_empty());
        let mut family = String::new();
        while let Some(line) = lines.next() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, told) = help.split_once(' ').expect("a help text");
                assert!(!told.is_empty(), "{line}");
                name.clone_into(&mut family);
                scrape.start(&family, lines.next().expect("a type after the help"));
            } else {
                scrape.sample(&family, line);
            }
        }
        scrape.check_histograms();
        scrape
    }

    fn start(&mut self, family: &str, line: &str) {
        assert!(is_name(family), "{family}");
        let prefixed = ["renewd_", "process_"].iter();
        assert!(prefixed.clone().any(|p| family.starts_with(p)), "{family}");
        let (name, kind) = line
            .strip_prefix("# TYPE ")
            .and_then(|rest| rest.split_once(' '))
            .unwrap_or_else(|| panic!("no type: {line}"));
        assert_eq!(name, family, "{line}");
        assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
        assert_eq!(kind == "counter", family.ends_with("_total"), "{line}");
        let before = self.types.insert(family.to_owned(), kind.to_owned());
        assert_eq!(before, None, "{family} comes twice");
    }

    fn sample(&mut self, family: &str, line: &str) {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let name = series.split_once('{').map_or(series, |(name, labels)| {
            check_labels(labels);
            name
        });
        let kind = self.types.get(family).map_or("", String::as_str);
        let allowed = match kind {
            "histogram" => ["_bucket", "_sum", "_count"].map(|end| format!("{family}{end}")),
            _ => [family.to_owned(), String::new(), String::new()],
        };
        assert!(allowed.iter().any(|one| one == name), "{line} in {family}");
        let value: f64 = value.parse().unwrap_or_else(|e| panic!("{line}: {e}"));
        assert!(!value.is_nan(), "{line}");
        assert!(kind == "gauge" || value >= 0.0, "{line}");
        match self.series.entry(series.to_owned()) {
            Entry::Vacant(place) => place.insert(value),
            Entry::Occupied(_) => panic!("{series} comes twice"),
        };
    }

    /// Buckets never shrink from one to the next, and the last has everything.
    fn check_histograms(&self) {
        let names = self.types.iter().filter(|(_, kind)| *kind == "histogram");
        for (name, _) in names {
            let counts = self.with_prefix(&format!("{name}_count"));
            assert!(!counts.is_empty(), "{name}");
            for (series, count) in counts {
                let labels = series
                    .trim_start_matches(&format!("{name}_count"))
                    .to_owned();
                let buckets = self.buckets(name, &labels);
                assert!(
                    buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1),
                    "{series}"
                );
                let last = buckets.last().expect("a bucket");
                assert_eq!((last.0, last.1), (f64::INFINITY, *count), "{series}");
                assert!(self.series.contains_key(&format!("{name}_sum{labels}")));
            }
        }
    }

    /// The buckets of a histogram: upper bound, and how many were not above it.
    pub fn buckets(&self, name: &str, labels: &str) -> Vec<(f64, f64)> {
        let before = labels.trim_end_matches('}');
        let start = match before {
            "" => format!("{name}_bucket{{le=\""),
            some => format!("{name}_bucket{some},le=\""),
        };
        let mut buckets: Vec<(f64, f64)> = self
            .with_prefix(&start)
            .into_iter()
            .map(|(series, count)| {
                let bound = &series[start.len()..series.len() - 2];
                (bound.parse().expect("a bound"), *count)
            })
            .collect();
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        buckets
    }

    /// A series' value.
    #[track_caller]
    pub fn value(&self, series: &str) -> f64 {
        let value = self.series.get(series);
        *value.unwrap_or_else(|| panic!("no {series} in {}", self.text))
    }

    /// How much a counter, or all of a metric's whose name and labels begin so, went up since then.
    pub fn since(&self, before: &Self, prefix: &str) -> BTreeMap<String, f64> {
        self.with_prefix(prefix)
            .into_iter()
            .map(|(series, now)| {
                let then = before.series.get(series).copied().unwrap_or_default();
                (series.clone(), now - then)
            })
            .filter(|(_, more)| *more != 0.0)
            .collect()
    }

    fn with_prefix(&self, prefix: &str) -> Vec<(&String, &f64)> {
        let from = self.series.range(prefix.to_owned()..);
        from.take_while(|(series, _)| series.starts_with(prefix))
            .collect()
    }
}

/// `name="value",…}` with nothing left over.
fn check_labels(text: &str) {
    let mut rest = text;
    loop {
        let (name, quoted) = rest.split_once("=\"").expect("a label");
        assert!(is_name(name), "{text}");
        let end = quoted.find('"').expect("the end of a value");
        assert!(
            !quoted[..end].contains('\\'),
            "nothing needs escaping: {text}"
        );
        rest = &quoted[end + 1..];
        if rest == "}" {
            return;
        }
        rest = rest.strip_prefix(',').unwrap_or_else(|| panic!("{text}"));
    }
}

fn is_name(text: &str) -> bool {
    let start = text.chars().next();
    start.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
