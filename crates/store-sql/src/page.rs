//! Lists in pages: the two pieces of SQL that depend on the order.

use store::Order;

/// What stands between a row and the place that it has to follow.
pub(crate) const fn comparison(order: Order) -> &'static str {
    match order {
        Order::Ascending => ">",
        Order::Descending => "<",
    }
}

/// What follows `ORDER BY`, for one column.
pub(crate) fn by_one(column: &str, order: Order) -> String {
    let way = match order {
        Order::Ascending => "ASC",
        Order::Descending => "DESC",
    };
    format!("{column} {way}")
}

/// What follows `ORDER BY`, for a key and what tells rows of one key apart.
pub(crate) fn by(key: &str, id: &str, order: Order) -> String {
    format!("{}, {}", by_one(key, order), by_one(id, order))
}
