//! Conversions of floating-point numbers that are too large, too small or not a number. Rust's `as` saturates. `wasm2js`
//! makes 0 of what is too large for an unsigned integer, and of 4,294,967,295, which is not. So they become functions.

use anyhow::{Result, bail};

/// An instruction, and what it answers at either end.
struct Conversion {
    to: &'static str,
    from: &'static str,
    sign: &'static str,
    least: &'static str,
    most: &'static str,
}

const fn conversion(to: &'static str, from: &'static str, sign: &'static str) -> Conversion {
    let (least, most) = match (to.as_bytes(), sign.as_bytes()) {
        (b"i32", b"s") => ("-2147483648", "2147483647"),
        (b"i32", _) => ("0", "4294967295"),
        (_, b"s") => ("-9223372036854775808", "9223372036854775807"),
        _ => ("0", "18446744073709551615"),
    };
    Conversion { to, from, sign, least, most }
}

const ALL: [Conversion; 8] = [
    conversion("i32", "f32", "s"),
    conversion("i32", "f32", "u"),
    conversion("i32", "f64", "s"),
    conversion("i32", "f64", "u"),
    conversion("i64", "f32", "s"),
    conversion("i64", "f32", "u"),
    conversion("i64", "f64", "s"),
    conversion("i64", "f64", "u"),
];

/// The module, as text, with calls in the place of such instructions.
pub(super) fn by_functions(module: &str) -> Result<String> {
    let mut made = module.to_owned();
    let mut functions = String::new();
    for Conversion { to, from, sign, least, most } in ALL {
        let instruction = format!("({to}.trunc_sat_{from}_{sign}");
        if !made.contains(&instruction) {
            continue;
        }
        let name = format!("$durablefetch.saturating_{to}_{from}_{sign}");
        made = made.replace(&instruction, &format!("(call {name}"));
        // Both ends are compared with as numbers of `from`, to which they may be rounded: never past what fits. What is
        // neither above nor below is not a number.
        functions += &format!(
            " (func {name} (param $0 {from}) (result {to})
  (if (result {to}) ({from}.ge (local.get $0) ({from}.const {most}))
   (then ({to}.const {most}))
   (else (if (result {to}) ({from}.gt (local.get $0) ({from}.const {least}))
    (then ({to}.trunc_{from}_{sign} (local.get $0)))
    (else (if (result {to}) ({from}.le (local.get $0) ({from}.const {least}))
     (then ({to}.const {least}))
     (else ({to}.const 0))))))))
"
        );
    }
    if let Some(line) = made.lines().find(|line| line.contains("trunc_sat")) {
        bail!("the module converts numbers in a way that nobody has thought of: {line}");
    }
    let Some(rest) = made.trim_end().strip_suffix(')') else { bail!("the module does not end") };
    Ok([rest, &functions, ")\n"].concat())
}

#[cfg(test)]
mod tests {
    use super::by_functions;

    #[test]
    fn an_instruction_becomes_a_call_of_what_is_defined_once() {
        let module = "(module\n (func $a\n  (i32.trunc_sat_f64_u\n   (local.get $0))\n  (i32.trunc_sat_f64_u (x)))\n)\n";
        let made = by_functions(module).unwrap();
        assert_eq!(made.matches("(call $durablefetch.saturating_i32_f64_u").count(), 2);
        assert_eq!(made.matches("(func $durablefetch.saturating_i32_f64_u").count(), 1);
        assert!(made.contains("(f64.ge (local.get $0) (f64.const 4294967295))"));
        assert!(!made.contains("trunc_sat") && made.ends_with(")\n)\n"));
        assert!(by_functions("(module (i32.trunc_sat_f16_u))").is_err());
    }
}
