//! Lending on a desktop of Windows, where who asked does not wait. `make client-windows-test` runs it under Wine.

use super::*;

#[test]
fn nothing_is_struck_for_somebody_who_has_given_up() {
    let mut lender = Lender::new(Window::open().unwrap());
    lender.copy("before").unwrap();
    let now = Instant::now();
    for pasting in [Pasting::Automatic, Pasting::Typed, Pasting::ClipboardOnly] {
        let inserted = lender.insert("too late", None, pasting, now);
        assert_eq!(inserted, Err(InsertionError::NotTaken));
    }
    let stepped = lender.step_back(None, 1, now);
    assert_eq!(stepped, Err(InsertionError::NotTaken));
    assert!(lender.loan.is_none());
    assert_eq!(lender.text().unwrap().as_deref(), Some("before"));
}
