//! The axis below the bars: round numbers, a few of them.

/// How many steps an axis has at most.
const STEPS: u64 = 5;

/// The distance between two marks of an axis that goes to `most` bytes: 1, 2 or 5 times a power of ten.
pub(super) fn step(most: u64) -> u64 {
    let mut power: u64 = 1;
    loop {
        for factor in [1, 2, 5] {
            let step = power.saturating_mul(factor);
            if step == u64::MAX || most.div_ceil(step) <= STEPS {
                return step;
            }
        }
        power = power.saturating_mul(10);
    }
}

/// `part` of `whole`, in pixels of `width`; rounded, the same everywhere.
pub(super) fn pixels(part: u64, whole: u64, width: u32) -> u32 {
    let whole = u128::from(whole.max(1));
    let scaled = (u128::from(part) * u128::from(width) + whole / 2) / whole;
    u32::try_from(scaled).unwrap_or(width).min(width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_few_and_round() {
        for (most, want) in [
            (0, 1),
            (1, 1),
            (5, 1),
            (6, 2),
            (23_800_000, 5_000_000),
            (25_000_000, 5_000_000),
            (26_000_000, 10_000_000),
            (u64::MAX, 5_000_000_000_000_000_000),
        ] {
            assert_eq!(step(most), want, "{most}");
        }
    }

    #[test]
    fn parts_of_a_width() {
        for (part, whole, want) in
            [(0, 10, 0), (5, 10, 50), (10, 10, 100), (1, 3, 33), (2, 3, 67), (1, 0, 100)]
        {
            assert_eq!(pixels(part, whole, 100), want, "{part} of {whole}");
        }
        assert_eq!(pixels(u64::MAX, u64::MAX, u32::MAX), u32::MAX);
    }
}
