//! The SQL of paged lists that depends on the order.

use store::Order;

/// The comparison between a row and the position that it follows.
pub(crate) const fn comparison(order: Order) -> &'static str {
    match order {
        Order::Ascending => ">",
        Order::Descending => "<",
    }
}

/// The `ORDER BY` list for one column.
pub(crate) fn by_one(column: &str, order: Order) -> String {
    let way = match order {
        Order::Ascending => "ASC",
        Order::Descending => "DESC",
    };
    format!("{column} {way}")
}

/// The `ORDER BY` list for a key and the column that distinguishes rows with the same key.
pub(crate) fn by(key: &str, id: &str, order: Order) -> String {
    format!("{}, {}", by_one(key, order), by_one(id, order))
}

/// The pattern for `LIKE … ESCAPE '\'` of every text that contains this one.
pub(crate) fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}
