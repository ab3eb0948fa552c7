// The shop's page and what is known without asking anybody: pure.
'use strict';

const goods = [
  { name: 'rope', cents: 350 },
  { name: 'sail cloth', cents: 2490 },
  { name: 'lantern', cents: 1275 },
];

const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const money = (cents) => `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
const find = (name) => goods.find((good) => good.name === name);

// Any list may be an Error: then the page says so in its place.
function page({ prices, reviews, words }) {
  const list = (values, print) =>
    values instanceof Error
      ? `<p>Not to be had now: ${escape(values.message)}</p>`
      : `<ul>${values.map((value) => `<li>${print(value)}</li>`).join('')}</ul>`;
  return `<!doctype html><meta charset="utf-8"><title>Shop</title><h1>Shop</h1>
<h2>Prices of a dozen</h2>${list(prices, (p) => `${escape(p.good)}: ${money(p.cents)}`)}
<h2>Customers say</h2>${list(reviews, escape)}
<h2>Their words</h2>${list(words, ([word, count]) => `${escape(word)} (${count})`)}
`;
}

module.exports = { goods, escape, money, find, page };
