//! The HTML page with all figures, which needs no other files; figures as separate files.

use std::fmt::Write;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rayon::prelude::*;
use serde_json::json;

use super::chart::{Drawing, Frame, Width, draw};
use super::colour::{Colour, hex};
use super::figure::{Animation, Figure, Table};
use super::moment::at_moment;
use super::raster::{self, gif, png};
use super::subject::Subject;
use crate::report::numbers::thousands;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page's `generator` in its metadata: it marks a page that flowlet wrote.
pub const GENERATOR: &str = concat!("flowlet ", env!("CARGO_PKG_VERSION"), " report");

/// A report: the page and its files.
#[derive(Clone, Debug)]
pub struct Page {
    /// The HTML page, well-formed XML too.
    pub html: String,
    /// Names and contents of the files beside the page: each figure as SVG and PNG, and as GIF if it is
    /// animated. Empty if no files were asked for.
    pub files: Vec<(String, Vec<u8>)>,
}

/// A drawn figure.
struct Drawn<'a> {
    figure: &'a Figure,
    wide: Drawing,
    narrow: Drawing,
    gif: Option<Vec<u8>>,
}

impl Page {
    /// The page of `figures`. `notes` say what was left out, and why. With `files`, it links to files that
    /// lie beside it. In a build without the feature `figures` what moves has no GIF to download.
    ///
    /// # Errors
    ///
    /// When a figure cannot be drawn, or with `files` in a build without the feature `figures`.
    pub fn new(
        subject: &Subject,
        figures: &[Figure],
        notes: &[String],
        files: bool,
    ) -> Result<Self> {
        if files {
            raster::check()?;
        }
        let drawn = figures
            .par_iter()
            .map(|figure| {
                let wide = draw(&figure.wide)?;
                let narrow = draw(&figure.narrow)?;
                let gif = match &figure.animation {
                    Some(animation) if raster::AVAILABLE => Some(gif(&wide, animation)?),
                    _ => None,
                };
                Ok(Drawn { figure, wide, narrow, gif })
            })
            .collect::<Result<Vec<_>>>()?;
        let html = html(subject, &drawn, notes, files)?;
        let mut written = Vec::new();
        if files {
            let parts: Vec<Vec<(String, Vec<u8>)>> =
                drawn.into_par_iter().map(files_of).collect::<Result<_>>()?;
            written = parts.concat();
        }
        Ok(Self { html, files: written })
    }
}

fn files_of(drawn: Drawn<'_>) -> Result<Vec<(String, Vec<u8>)>> {
    let Drawn { figure, wide, gif, .. } = drawn;
    // A still picture of an animation shows its last frame.
    let svg = match &figure.animation {
        Some(animation) => at_moment(&wide, animation, animation.frames.len() - 1),
        None => wide.svg,
    };
    let name = figure.name;
    let mut files = vec![(format!("{name}.png"), png(&svg)?)];
    files.push((format!("{name}.svg"), on_white(&svg).into_bytes()));
    if let Some(gif) = gif {
        files.push((format!("{name}.gif"), gif));
    }
    Ok(files)
}

/// Adds a white background, because a viewer's own may be dark.
fn on_white(svg: &str) -> String {
    let Some(end) = svg.find("<svg").and_then(|start| Some(start + svg[start..].find('>')? + 1))
    else {
        return svg.to_string();
    };
    let ground =
        format!("\n<rect width=\"100%\" height=\"100%\" fill=\"{}\"/>", hex(Colour::Paper.light()));
    [&svg[..end], &ground, &svg[end..]].concat()
}

fn html(subject: &Subject, drawn: &[Drawn<'_>], notes: &[String], files: bool) -> Result<String> {
    let mut page = String::new();
    let name = escape(&subject.name);
    write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"generator\" content=\"{GENERATOR}\"/>\n<title>{name}</title>\n\
         <style>\n{}{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{name}</h1>\n",
        palette()
    )?;
    writeln!(page, "<p class=\"facts\">{}</p>", escape(&facts(subject)))?;
    if !notes.is_empty() {
        let items: String = notes.iter().map(|note| format!("<li>{}</li>", escape(note))).collect();
        writeln!(page, "<ul class=\"notes\">{items}</ul>")?;
    }
    let links: String = drawn
        .iter()
        .map(|Drawn { figure, .. }| {
            format!("<a href=\"#{}\">{}</a> ", figure.name, escape(&figure.title))
        })
        .collect();
    writeln!(page, "<nav>{links}</nav>")?;
    for drawn in drawn {
        section(&mut page, drawn, files)?;
    }
    // The page is also XML, where CDATA allows any character in the script.
    writeln!(page, "</main>\n<script>\n//<![CDATA[\n{SCRIPT}//]]>\n</script>\n</body>\n</html>")?;
    Ok(page)
}

fn section(page: &mut String, drawn: &Drawn<'_>, files: bool) -> Result<()> {
    let Drawn { figure, wide, narrow, gif } = drawn;
    let Figure { name, title, caption, .. } = figure;
    let (title, caption) = (escape(title), escape(caption));
    let moves = if figure.animation.is_some() { " data-moves=\"\"" } else { "" };
    writeln!(page, "<section id=\"{name}\">\n<h2>{title}</h2>\n<figure{moves}>")?;
    match &figure.table {
        Some(table) => write_table(page, table)?,
        None => {
            for (width, drawing) in [(Width::Wide, wide), (Width::Narrow, narrow)] {
                let class = width.choose("wide", "narrow");
                let svg = match &figure.animation {
                    Some(animation) => at_moment(drawing, animation, animation.frames.len() - 1),
                    None => drawing.svg.clone(),
                };
                writeln!(page, "<div class=\"{class}\">{}</div>", in_page(&svg, &title))?;
            }
        }
    }
    if let Some(animation) = &figure.animation {
        let last = moments(animation) - 1;
        writeln!(
            page,
            "<div class=\"controls\" hidden=\"\"><button type=\"button\">Play</button>\
             <input type=\"range\" min=\"0\" max=\"{last}\" value=\"{last}\" aria-label=\"time\"/></div>"
        )?;
        let moves = script_json(&movements(animation, wide, narrow));
        writeln!(page, "<script type=\"application/json\" class=\"moves\">{moves}</script>")?;
    }
    write!(page, "<figcaption>{caption} <span class=\"links\">")?;
    if files {
        write!(page, "<a href=\"{name}.svg\">SVG</a> <a href=\"{name}.png\">PNG</a>")?;
        if gif.is_some() {
            write!(page, " <a href=\"{name}.gif\">GIF</a>")?;
        }
    } else {
        if figure.table.is_none() {
            write!(
                page,
                "<a href=\"#{name}\" download=\"{name}.svg\" data-figure=\"{name}\">SVG</a>"
            )?;
        }
        if let Some(gif) = gif {
            let gif = STANDARD.encode(gif);
            write!(
                page,
                " <a download=\"{name}.gif\" href=\"data:image/gif;base64,{gif}\">GIF</a>"
            )?;
        }
    }
    let numbers = script_json(&figure.numbers);
    if !files {
        write!(
            page,
            " <a download=\"{name}.json\" href=\"data:application/json;base64,{}\">numbers</a>",
            STANDARD.encode(figure.numbers.to_string())
        )?;
    }
    writeln!(page, "</span></figcaption>\n</figure>")?;
    writeln!(page, "<script type=\"application/json\" class=\"numbers\">{numbers}</script>")?;
    writeln!(page, "</section>")?;
    Ok(())
}

fn write_table(page: &mut String, Table { header, rows }: &Table) -> Result<()> {
    let line = |tag: &str, cells: &[String]| -> String {
        let cells = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell)));
        format!("<tr>{}</tr>", cells.collect::<String>())
    };
    let body: String = rows.iter().map(|row| line("td", row)).collect();
    writeln!(page, "<table><thead>{}</thead><tbody>{body}</tbody></table>", line("th", header))?;
    Ok(())
}

/// Returns CSS variables of all colours, for the light and the dark theme.
fn palette() -> String {
    let all = |of: fn(Colour) -> [u8; 3]| -> String {
        Colour::ALL.iter().map(|&c| format!("--{}: {}; ", c.name(), hex(of(c)))).collect()
    };
    format!(
        ":root {{ color-scheme: light dark; {}}}\n\
         @media (prefers-color-scheme: dark) {{ :root {{ {}}} }}\n",
        all(Colour::light),
        all(Colour::dark)
    )
}

/// Makes an SVG part of the page: its colours become the page's CSS variables.
fn in_page(svg: &str, title: &str) -> String {
    let mut svg = svg.trim().replace(" xmlns=\"http://www.w3.org/2000/svg\"", "");
    for colour in Colour::ALL {
        let quoted = |text: &str| format!("\"{text}\"");
        let named = format!("var(--{})", colour.name());
        svg = svg.replace(&quoted(&hex(colour.light())), &quoted(&named));
    }
    svg.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{title}\" "), 1)
}

/// Returns the number of frames without those at the end that repeat the last one.
fn moments(animation: &Animation) -> usize {
    let frames = &animation.frames;
    let repeated = frames.windows(2).rev().take_while(|pair| pair[0] == pair[1]).count();
    frames.len() - repeated
}

/// Returns the data of an animation for the script. Dots are in ten thousandths of the panel's size.
fn movements(animation: &Animation, wide: &Drawing, narrow: &Drawing) -> serde_json::Value {
    let [row, place] = animation.panel;
    let frame = |drawing: &Drawing| drawing.frames[row][place];
    let Frame { x, y, .. } = frame(wide);
    let share = |value: f64, [from, to]: [f64; 2]| ((value - from) / (to - from) * 1e4).round();
    let in_panel = |&[a, b]: &[f64; 2]| [share(a, x) as i64, share(b, y) as i64];
    let moments = moments(animation);
    let frames: Vec<Vec<[i64; 2]>> = animation.frames[..moments]
        .iter()
        .map(|dots| dots.iter().map(in_panel).collect())
        .collect();
    let place = |Frame { horizontal, vertical, .. }: Frame| json!({ "horizontal": horizontal, "vertical": vertical });
    // The last frame stays for at least 1.5 s.
    let rest = (animation.frames.len() - moments).max(1500 / animation.pace as usize);
    json!({
        "wide": place(frame(wide)),
        "narrow": place(frame(narrow)),
        "frames": frames,
        "texts": animation.texts[..moments],
        "pace": animation.pace,
        "rest": rest,
    })
}

/// Formats JSON so that it cannot close the script element that contains it.
fn script_json(value: &serde_json::Value) -> String {
    value.to_string().replace('<', "\\u003c")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Describes the model in one line.
fn facts(subject: &Subject) -> String {
    let model = &subject.model;
    let shape = model.shape();
    let mut facts = format!(
        "{} data {}, {} conditions, {} hidden layers of {} units ({}): {} weights, {} bytes.",
        shape.data_dim,
        if shape.data_dim == 1 { "dimension" } else { "dimensions" },
        shape.condition_dim,
        shape.hidden_layers + 1,
        shape.hidden_width,
        shape.activation,
        thousands(shape.parameters()),
        thousands(model.bytes)
    );
    if let Some(steps) = model.description.steps {
        let step = if steps == 1 { "step" } else { "steps" };
        let _ = write!(facts, " Made for {steps} {step} of {}.", model.solver_kind());
    }
    let _ = write!(
        facts,
        " All random points come from seed {}, and the embedded runtime computed every sample.",
        subject.seed
    );
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_close_its_element() {
        assert_eq!(escape("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
        assert_eq!(script_json(&json!("</script>")), "\"\\u003c/script>\"");
    }
}
