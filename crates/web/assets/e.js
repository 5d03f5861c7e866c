/* Reports which pages are viewed. No cookie, no storage, nothing about the device; silent where
   the browser asks not to be tracked. */
(function (d, w, n) {
  var s = d.currentScript, last;
  if (!s || !n.sendBeacon || n.webdriver || n.globalPrivacyControl || n.doNotTrack === "1") return;
  var home = new URL("/e", s.src);
  function tags(query) {
    var out = [];
    query.slice(1).split("&").forEach(function (t) {
      var name = t.split("=")[0];
      if (/^(amp;)?utm_(source|medium|campaign|term|content)$/i.test(name)) out.push(t);
      /* That an ad was clicked, never whose click it was. */
      else if (/^(gclid|gbraid|wbraid|msclkid|dclid|fbclid|ttclid|twclid|yclid)$/i.test(name)) out.push(name + "=1");
    });
    return out.join("&");
  }
  function view() {
    var l = w.location, first = last === undefined;
    if (d.prerendering) return d.addEventListener("prerenderingchange", view, { once: true });
    if (last === l.pathname) return;
    last = l.pathname;
    /* The shop's own pages are counted as they are asked for. */
    if (first && l.host === home.host) return;
    n.sendBeacon(home.href, JSON.stringify({
      u: l.origin + l.pathname + "?" + tags(l.search),
      r: first && d.referrer ? new URL(d.referrer).origin + "/" : ""
    }));
  }
  ["pushState", "replaceState"].forEach(function (name) {
    var old = w.history[name];
    w.history[name] = function () { var out = old.apply(this, arguments); view(); return out; };
  });
  w.addEventListener("popstate", view);
  view();
})(document, window, navigator);
