//! Bar charts as SVG that can be read on light and on dark ground.

use std::fmt::Write;

/// One group of bars.
#[derive(Debug, Clone)]
pub struct Group {
    /// What they have in common.
    pub name: String,
    /// Whose they are, and how long. `None` where somebody did not finish.
    pub bars: Vec<(String, Option<f64>)>,
}

const WIDTH: f64 = 760.0;
const LEFT: f64 = 190.0;
const BAR: f64 = 18.0;
const ROW: f64 = 24.0;

/// Draws groups of horizontal bars below each other, all on one logarithmic scale from 1. `ours` is drawn in colour.
#[must_use]
pub fn bars(title: &str, unit: &str, ours: &str, groups: &[Group]) -> String {
    let all = groups.iter().flat_map(|group| &group.bars).filter_map(|(_, value)| *value);
    let most = all.fold(10.0, f64::max);
    let room = WIDTH - LEFT - 100.0;
    let long = |value: f64| (value.max(1.0).ln() / most.ln() * room).max(2.0);
    let rows: usize = groups.iter().map(|group| group.bars.len()).sum();
    let height = 50.0 + groups.len() as f64 * 34.0 + rows as f64 * ROW;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\">\n<title>{}</title>\n<style>\n\
         text {{ fill: #24292f }} .peer {{ fill: #8c959f }} .ours {{ fill: #0969da }} .note {{ fill: #6e7781 }}\n\
         @media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} .peer {{ fill: #6e7681 }} \
         .ours {{ fill: #4493f8 }} .note {{ fill: #8d96a0 }} }}\n</style>\n",
        escape(title)
    );
    // Writing to a string does not fail.
    let _ =
        writeln!(svg, "<text x=\"0\" y=\"18\" font-size=\"15\" font-weight=\"600\">{}</text>", escape(title));
    let mut y = 34.0;
    for group in groups {
        y += 22.0;
        let _ = writeln!(svg, "<text x=\"0\" y=\"{y}\" font-weight=\"600\">{}</text>", escape(&group.name));
        y += 12.0;
        for (name, value) in &group.bars {
            let middle = y + BAR * 0.75;
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{middle}\" text-anchor=\"end\">{}</text>",
                LEFT - 8.0,
                escape(name)
            );
            match value {
                Some(value) => {
                    let class = if name == ours { "ours" } else { "peer" };
                    let long = long(*value);
                    let _ = writeln!(
                        svg,
                        "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{y}\" width=\"{long:.1}\" height=\"{BAR}\" rx=\"2\"/>\n\
                         <text x=\"{:.1}\" y=\"{middle}\">{} {}</text>",
                        LEFT + long + 6.0,
                        figure(*value),
                        escape(unit)
                    );
                }
                None => {
                    let _ = writeln!(
                        svg,
                        "<text class=\"note\" x=\"{}\" y=\"{middle}\">does not finish</text>",
                        LEFT + 4.0
                    );
                }
            }
            y += ROW;
        }
    }
    let _ = writeln!(
        svg,
        "<text class=\"note\" x=\"{LEFT}\" y=\"{}\" font-size=\"11\">logarithmic scale; less is better</text>\n</svg>",
        y + 12.0
    );
    svg
}

/// Three figures that matter.
#[must_use]
pub fn figure(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_drawn_for_who_finished() {
        let group = Group {
            name: "a & b".into(),
            bars: vec![("ours".into(), Some(20.0)), ("slow".into(), Some(200.0)), ("lost".into(), None)],
        };
        let svg = bars("CPU", "µs", "ours", &[group]);
        assert_eq!(svg.matches("<rect").count(), 2);
        assert!(svg.contains("a &amp; b") && svg.contains("200 µs") && svg.contains("does not finish"));
        assert!(svg.contains("class=\"ours\"") && svg.trim_end().ends_with("</svg>"));
    }
}
