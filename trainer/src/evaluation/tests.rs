use super::*;

fn row(solver: &'static str, evaluations: usize, w2: f64) -> Row {
    let distances = Distances { w1: w2, w2, w2_squared: w2 * w2, sliced_w2: w2, energy: 1.0 / w2 };
    Row { solver, steps: 1, evaluations, multiply_adds: 0, distances, by_class: Vec::new() }
}

#[test]
fn the_advice_is_the_cheapest_row_that_is_near_enough() {
    let rows =
        [row("euler", 1, 0.9), row("euler", 8, 0.105), row("heun", 8, 0.104), row("heun", 16, 0.1)];
    let advised = |within: f64| advise(&rows, 2, within).row;
    assert_eq!([advised(0.0), advised(4.5), advised(6.0), advised(1000.0)], [3, 2, 2, 0]);
    // Above some dimensions by the energy distance, which is the other way round here.
    assert_eq!(advise(&rows, 17, 0.0).row, 0);
    assert_eq!(advise(&rows, 17, 0.0).measure, "energy distance");
}
