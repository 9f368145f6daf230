//! Rates, as the configuration writes them: `20/s burst 60`.

use tautline_protocol::model::Rate;

/// What stands for no limit.
const OFF: &str = "off";

/// A rate, or none for no limit; an error if the text is neither. Without a burst it is what a second earns.
pub(super) fn parse(text: &str) -> Result<Option<Rate>, NoRate> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (rate, burst) = match words[..] {
        [OFF] => return Ok(None),
        [rate] => (rate, None),
        [rate, "burst", burst] => (rate, Some(burst)),
        _ => return Err(NoRate),
    };
    let per_second = rate.strip_suffix("/s").and_then(positive).ok_or(NoRate)?;
    let burst = burst.map_or(Some(per_second), positive).ok_or(NoRate)?;
    Ok(Some(Rate { per_second, burst }))
}

/// The text is no rate.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoRate;

fn positive(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_a_second_and_a_burst() {
        let rate = |per_second, burst| Ok(Some(Rate { per_second, burst }));
        assert_eq!(parse("20/s burst 60"), rate(20, 60));
        assert_eq!(parse("20/s"), rate(20, 20));
        assert_eq!(parse("off"), Ok(None));
        for bad in [
            "",
            "20",
            "0/s",
            "20/m",
            "20/s burst",
            "20/s burst 0",
            "20/s 60",
            "-1/s",
        ] {
            assert_eq!(parse(bad), Err(NoRate), "{bad:?}");
        }
    }
}
