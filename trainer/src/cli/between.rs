//! Numbers within limits on the command line.

/// Returns a parser of whole numbers from `least` to `most`, whose error names both.
pub(super) fn between(
    least: usize,
    most: usize,
) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync + 'static {
    move |text| match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("expected {least} to {most}, found {text}")),
    }
}
