// The total follows what is chosen. Without script "Update the total" asks for it, and where an
// answer does not come, the server asks again before it takes any money.
const form = document.querySelector(".checkout-form");
const summary = document.querySelector(".summary");
let asked = 0;

async function update() {
  const nth = ++asked;
  const body = new URLSearchParams(new FormData(form));
  body.set("update", "1");
  try {
    const answer = await fetch(form.getAttribute("action"), { method: "POST", body });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector(".summary");
    if (!answer.ok || !fresh || nth !== asked) return;
    summary.replaceChildren(...fresh.childNodes);
    // Where there is something to pay now, or nothing any more, the ways to pay come and go.
    const method = page.querySelector("[name=method]");
    if (!method !== !form.querySelector("[name=method]")) {
      const payment = (of) => of.querySelector("[name=coupon]").closest("fieldset");
      payment(form).replaceWith(payment(page));
    }
    // Its words alone: a button that is being pressed stays the same button.
    const button = page.querySelector(".checkout-form .btn-big");
    form.querySelector(".btn-big").textContent = button.textContent;
    form.elements.shown_total.value = page.querySelector("[name=shown_total]").value;
  } catch { /* the total stays as it was shown */ }
}

if (form && summary) {
  summary.setAttribute("aria-live", "polite");
  form.addEventListener("change", (event) => {
    if (event.target.matches("[name=bump], [name=quantity], [name=country]")) update();
  });
}
