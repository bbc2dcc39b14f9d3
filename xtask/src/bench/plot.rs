//! Line plots and bars as SVG, by hand: a few lines, both axes logarithmic.

use std::fmt::Write as _;

use super::number::shown;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;
/// Colours that differ also for those who do not see red and green (Okabe and Ito).
const COLOURS: [&str; 6] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
];

/// A plot.
pub struct Plot<'a> {
    pub title: &'a str,
    pub x: &'a str,
    pub y: &'a str,
    /// Label and points.
    pub lines: Vec<(String, Vec<(f64, f64)>)>,
    /// From zero, and not logarithmic.
    pub is_linear: bool,
}

impl Plot<'_> {
    /// As an SVG document.
    pub fn to_svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|(_, points)| points);
        let x = Axis::of(
            points().map(|point| point.0),
            LEFT,
            WIDTH - RIGHT,
            self.is_linear,
        );
        let y = Axis::of(
            points().map(|point| point.1),
            HEIGHT - BOTTOM,
            TOP,
            self.is_linear,
        );
        let mut svg = head(self.title);
        for at in x.ticks() {
            let (place, foot) = (x.place(at), HEIGHT - BOTTOM);
            let _ = writeln!(
                svg,
                "<line x1='{place:.1}' y1='{TOP}' x2='{place:.1}' y2='{foot}' class='grid'/>"
            );
            let label = shown(at);
            let below = foot + 16.0;
            let _ = writeln!(
                svg,
                "<text x='{place:.1}' y='{below}' text-anchor='middle'>{label}</text>"
            );
        }
        for at in y.ticks() {
            let (place, right) = (y.place(at), WIDTH - RIGHT);
            let _ = writeln!(
                svg,
                "<line x1='{LEFT}' y1='{place:.1}' x2='{right}' y2='{place:.1}' class='grid'/>"
            );
            let (before, lower, label) = (LEFT - 6.0, place + 4.0, shown(at));
            let _ = writeln!(
                svg,
                "<text x='{before}' y='{lower:.1}' text-anchor='end'>{label}</text>"
            );
        }
        let (middle, foot) = (f64::midpoint(LEFT, WIDTH - RIGHT), HEIGHT - 12.0);
        let _ = writeln!(
            svg,
            "<text x='{middle}' y='{foot}' text-anchor='middle'>{}</text>",
            self.x
        );
        let _ = writeln!(
            svg,
            "<text x='{LEFT}' y='{}' text-anchor='start'>{}</text>",
            TOP - 8.0,
            self.y
        );
        for ((number, colour), (label, points)) in
            (0_u32..).zip(COLOURS.iter().cycle()).zip(&self.lines)
        {
            let path: Vec<String> = points
                .iter()
                .map(|point| format!("{:.1},{:.1}", x.place(point.0), y.place(point.1)))
                .collect();
            let _ = writeln!(
                svg,
                "<polyline points='{}' fill='none' stroke='{colour}' stroke-width='2'/>",
                path.join(" ")
            );
            for place in &path {
                let (cx, cy) = place.split_once(',').unwrap_or_default();
                let _ = writeln!(svg, "<circle cx='{cx}' cy='{cy}' r='3' fill='{colour}'/>");
            }
            let (at, down) = (WIDTH - RIGHT + 12.0, TOP + 12.0 + 18.0 * f64::from(number));
            let _ = writeln!(
                svg,
                "<text x='{at}' y='{down}' fill='{colour}'>{label}</text>"
            );
        }
        svg + "</svg>\n"
    }
}

/// Bars with their figures behind them.
pub fn bars(title: &str, values: &[(String, f64)]) -> String {
    const LABELS: f64 = 260.0;
    let most = values.iter().map(|(_, value)| *value).fold(1.0, f64::max);
    let mut svg = head(title);
    for (number, (label, value)) in (0_u32..).zip(values) {
        let top = TOP + 30.0 * f64::from(number);
        let width = (WIDTH - LABELS - 90.0) * value / most;
        let colour = COLOURS[usize::from(number > 0)];
        let (before, line) = (LABELS - 8.0, top + 15.0);
        let _ = writeln!(
            svg,
            "<text x='{before}' y='{line}' text-anchor='end'>{label}</text>"
        );
        let _ = writeln!(
            svg,
            "<rect x='{LABELS}' y='{top}' width='{width:.1}' height='20' fill='{colour}'/>"
        );
        let behind = LABELS + width + 6.0;
        let _ = writeln!(
            svg,
            "<text x='{behind:.1}' y='{line}'>{}</text>",
            shown(*value)
        );
    }
    svg + "</svg>\n"
}

fn head(title: &str) -> String {
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' role='img' \
         aria-label='{title}' font-family='sans-serif' font-size='12'>\n\
         <style>.grid{{stroke:#ddd}}</style>\n\
         <rect width='{WIDTH}' height='{HEIGHT}' fill='#fff'/>\n\
         <text x='{LEFT}' y='18' font-size='14' font-weight='bold'>{title}</text>\n"
    )
}

/// Places of values, from `start` to `end`.
struct Axis {
    least: f64,
    most: f64,
    start: f64,
    end: f64,
    is_linear: bool,
}

impl Axis {
    fn of(values: impl Iterator<Item = f64>, start: f64, end: f64, is_linear: bool) -> Self {
        let mut axis = Self {
            least: f64::INFINITY,
            most: 0.0,
            start,
            end,
            is_linear,
        };
        for value in values {
            axis.least = axis.least.min(value);
            axis.most = axis.most.max(value);
        }
        if is_linear {
            axis.least = 0.0;
            axis.most = (axis.most * 1.1).max(1.0);
        } else {
            axis.least = axis.least.clamp(0.1, 1e12).log10().floor();
            axis.most = axis.most.max(1.0).log10().ceil().max(axis.least + 1.0);
        }
        axis
    }

    fn place(&self, value: f64) -> f64 {
        let value = if self.is_linear {
            value
        } else {
            value.max(0.1).log10()
        };
        let part = (value - self.least) / (self.most - self.least);
        self.start + (self.end - self.start) * part
    }

    /// Powers of ten, or five steps.
    fn ticks(&self) -> Vec<f64> {
        if self.is_linear {
            return (0..=5)
                .map(|step| self.most * f64::from(step) / 5.0)
                .collect();
        }
        (0..=20)
            .map(|step| self.least + f64::from(step))
            .take_while(|power| *power < self.most + 0.5)
            .map(|power| 10_f64.powf(power))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_are_equally_far_apart() {
        let axis = Axis::of([3.0, 500.0].into_iter(), 0.0, 300.0, false);
        assert_eq!(axis.ticks(), [1.0, 10.0, 100.0, 1000.0]);
        let places: Vec<_> = axis
            .ticks()
            .iter()
            .map(|at| axis.place(*at).round())
            .collect();
        assert_eq!(places, [0.0, 100.0, 200.0, 300.0]);
    }

    #[test]
    fn every_point_is_drawn() {
        let plot = Plot {
            title: "t",
            x: "x",
            y: "y",
            lines: vec![("line".to_owned(), vec![(1.0, 10.0), (10.0, 100.0)])],
            is_linear: false,
        };
        let svg = plot.to_svg();
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains(">line</text>"));
    }
}
