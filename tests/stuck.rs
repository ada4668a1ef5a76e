//! What does not come off the cups: nothing is delivered, the cell stops where it let go and says why.
#![cfg(test)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// Three seconds into the run the valves of the two middle cups stay on vacuum: whatever they hold, they go on holding.
const SCENARIO: &str = r#"
name = "stuck"
cell = "default"
seed = 32
[[tote]]
name = "tote-a"
[tote.contents]
tea-box-250 = 2
mint-tea-box-250 = 2
oat-biscuits-300 = 2
[[tote]]
name = "tote-b"
[[fault]]
kind = "stuck-valve"
cup = 1
to = "vacuum"
at_s = 3.0
[[fault]]
kind = "stuck-valve"
cup = 4
to = "vacuum"
at_s = 3.0
"#;
const ORDERS: &str = "[[order]]\nname = \"a\"\nbin = \"bin-1\"\nlines = { tea-box-250 = 2, mint-tea-box-250 = 2, oat-biscuits-300 = 2 }\n";

fn run(dir: &Path) -> (Output, Vec<Value>) {
    let file = |name: &str, text: &str| {
        std::fs::write(dir.join(name), text).unwrap();
        dir.join(name).display().to_string()
    };
    let (scenario, orders) = (file("stuck.toml", SCENARIO), file("orders.toml", ORDERS));
    let record = dir.join("record");
    let output = Command::new(env!("CARGO_BIN_EXE_nuthatch"))
        .args(["run", "--seed", "32", "--scenario", &scenario, "--orders", &orders, "--record"])
        .arg(&record)
        .current_dir(dir)
        .env("NUTHATCH_HOME", env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let picks = std::fs::read_to_string(record.join("picks.jsonl")).unwrap();
    (output, picks.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

mod slow {
    use super::*;

    #[test]
    fn an_item_that_stays_on_the_cups_is_not_delivered_and_stops_the_cell_in_words() {
        let dir = tempfile::tempdir().unwrap();
        let (output, picks) = run(dir.path());
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && !message.contains("panicked"), "{:?}: {message}", output.status);
        let last = picks.last().unwrap();
        assert_eq!(last["outcome"], "stuck", "{message}\n{last}");
        let words = format!("{} of pick {}", last["sku"].as_str().unwrap(), last["pick"]);
        for words in [words.as_str(), "still hangs on the cups after two releases", "take the item off"] {
            assert!(message.contains(words), "{words:?} is not in: {message}");
        }
        let steps = last["steps_s"].as_array().unwrap();
        assert!(steps.iter().any(|step| step[0] == "blow-off"), "{last}");
        assert!(last["remark"].as_str().unwrap().contains("blown off once more"), "{last}");
        assert!(last["way"].is_null(), "{last}");
    }
}
