'use strict';

const test = require('node:test');
const assert = require('node:assert');
const { find, money, page } = require('../src/page');

test('money has two places', () => {
  assert.equal(money(5), '0.05');
  assert.equal(money(4200), '42.00');
});

test('goods are found by their name', () => {
  assert.equal(find('rope').cents, 350);
  assert.equal(find('constructor'), undefined);
});

test('what customers write is no markup', () => {
  const shown = page({ prices: [], reviews: ['<script>'], words: [] });
  assert.ok(!shown.includes('<script>'));
});

test('a service that fails is named and the rest is shown', () => {
  const shown = page({
    prices: new Error('till: ECONNREFUSED'),
    reviews: ['a fine rope'],
    words: [['rope', 1]],
  });
  assert.match(shown, /till: ECONNREFUSED/);
  assert.match(shown, /a fine rope/);
  assert.match(shown, /rope \(1\)/);
});
