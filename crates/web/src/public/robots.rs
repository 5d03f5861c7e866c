//! `GET /robots.txt`: what search engines may visit. Pages for one person are left out.

/// The text.
pub async fn show() -> &'static str {
    "User-agent: *\n\
     Disallow: /admin\n\
     Disallow: /api/\n\
     Disallow: /buy/\n\
     Disallow: /cart/\n\
     Disallow: /confirm/\n\
     Disallow: /l/\n\
     Disallow: /m/\n\
     Disallow: /me/\n\
     Disallow: /order/\n\
     Disallow: /preferences/\n\
     Disallow: /u/\n"
}
