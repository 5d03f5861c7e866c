//! Files with rows that give money back, or seem to.

use super::*;

#[derive(Default)]
struct Paid(f64, u64);

impl Sink for Paid {
    fn take(&mut self, sale: &Sale<'_>) {
        self.0 += sale.amount.unwrap_or_default();
        self.1 += 1;
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

/// What the sales of a file come to, how many they are, and what was left out.
fn read_all(text: &str) -> (f64, u64, LeftOut) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let mut source = Source::open(file.path()).unwrap();
    let mut columns = Columns::mapped(source.headers(), &[]).unwrap();
    let mut paid = Paid::default();
    let left_out = read(&mut source, &mut columns, Wanted::default(), &mut paid).unwrap();
    (paid.0, paid.1, left_out)
}

/// Rows beside one sale of 100 dollars, `T1`.
fn beside(rows: &str) -> (f64, u64, LeftOut) {
    read_all(&format!(
        "Date,Type,Status,Currency,Gross,From Email Address,Transaction ID,Reference Txn ID\n\
         01/15/2024,Payment,Completed,USD,100.00,a@x.test,T1,\n{rows}"
    ))
}

const IN_VAIN: &str = "a refund that failed, was called off or is not decided";
const UNDONE: &str = "a refund or chargeback that was undone, or what undid it";

#[test]
fn a_refund_that_failed_is_not_taken_off_its_sale() {
    for status in ["Failed", "Denied", "Pending", "Canceled", "Refund failed", "Refund requested"] {
        let row = format!("01/20/2024,Payment Refund,{status},USD,-30.00,me@x.test,T2,T1\n");
        let (paid, sales, left_out) = beside(&row);
        assert_eq!((paid, sales, left_out.reasons.get(IN_VAIN)), (100.0, 1, Some(&1)), "{status}");
        assert!(left_out.notes.iter().all(|note| !note.contains("give")), "{left_out:?}");
    }
    for status in ["Completed", "Refunded", "", "Partially refunded"] {
        let row = format!("01/20/2024,Payment Refund,{status},USD,-30.00,me@x.test,T2,T1\n");
        assert_eq!(beside(&row).0, 70.0, "{status}");
    }
    // The order was cancelled, and so its money went back.
    let negative =
        "order,email,date,amount,status\n1,a,2024-01-05,10,paid\n1,a,2024-01-06,-4,Cancelled\n";
    assert_eq!(read_all(negative).0, 6.0);
}

#[test]
fn a_chargeback_that_was_won_takes_nothing_off() {
    let lost = "01/20/2024,Chargeback,Completed,USD,-50.00,me@x.test,T2,T1\n";
    assert_eq!(beside(lost).0, 50.0);
    for (kind, reference) in [("Chargeback Reversal", "T1"), ("Reversal", "T1"), ("Reversal", "T2")]
    {
        let won = format!("01/25/2024,{kind},Completed,USD,50.00,me@x.test,T3,{reference}\n");
        for rows in [format!("{lost}{won}"), format!("{won}{lost}")] {
            let (paid, sales, left_out) = beside(&rows);
            assert_eq!((paid, sales, left_out.reasons.get(UNDONE)), (100.0, 1, Some(&2)), "{rows}");
        }
    }
    let (paid, sales, _) =
        beside("01/20/2024,Chargeback Reversal,Completed,USD,50,me@x.test,T3,T1\n");
    assert_eq!((paid, sales), (100.0, 1), "it undoes nothing, and is no sale");
    let back = "01/20/2024,Reversal,Completed,USD,-50.00,me@x.test,T2,T1\n";
    assert_eq!(beside(back).0, 50.0);
    let failed = "01/25/2024,Chargeback Reversal,Pending,USD,50.00,me@x.test,T3,T1\n";
    assert_eq!(beside(&format!("{lost}{failed}")).0, 50.0, "it is not won yet");
    let nothing = "01/20/2024,Refund,Completed,USD,0.00,b@x.test,T2,T1\n";
    assert_eq!(beside(nothing).1, 1, "a refund of nothing is no sale");
}

#[test]
fn a_refund_in_another_currency_is_told_and_not_taken_off() {
    let rows = "01/20/2024,Payment Refund,Completed,EUR,-20.00,me@x.test,T2,T1\n";
    let (paid, _, left_out) = beside(rows);
    assert_eq!((paid, left_out.reasons["taken back, or none of it"]), (100.0, 1));
    assert!(left_out.notes.iter().any(|note| note.contains("20.00 EUR")), "{left_out:?}");
    assert_eq!(beside(&rows.replace("EUR", "usd")).0, 80.0);
}
