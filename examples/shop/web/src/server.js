// The front of the shop. It knows the others by their names on the network alone: db, words, till.
//   GET /                  the page
//   GET /price?good=rope&count=12
//   GET, POST /reviews     POST takes {"text": "..."}
//   GET /words             the words that reviews use most
'use strict';

const os = require('node:os');
const express = require('express');
const { createClient } = require('@redis/client');
const { goods, find, page } = require('./page');

const port = Number(process.env.PORT || 8080);
const words_at = process.env.WORDS_URL || 'http://words:8000';
const till_at = process.env.TILL_URL || 'http://till:8080';
const database = createClient({ url: process.env.DB_URL || 'redis://db:6379' });
database.on('error', (error) => console.error(`database: ${error.message}`));

// Asks another service; the error names it.
async function ask(service, url, options = {}) {
  try {
    const answer = await fetch(url, { ...options, signal: AbortSignal.timeout(20_000) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    return await answer.json();
  } catch (error) {
    throw new Error(`${service}: ${error.cause?.code ?? error.message}`);
  }
}

async function price(good, count) {
  const told = await ask('till', `${till_at}/cgi-bin/price?count=${count}&cents=${good.cents}`);
  return { good: good.name, count, ...told };
}

const reviews = () => database.lRange('reviews', 0, 99);

async function words() {
  const body = (await reviews()).join('\n');
  const counted = await ask('words', `${words_at}/count?most=5`, { method: 'POST', body });
  return counted.most;
}

const app = express();
app.disable('x-powered-by');
app.use(express.json({ limit: '16kb' }));
// With several of this service, which one answered.
app.use((request, response, next) => {
  response.set('X-Served-By', os.hostname());
  next();
});

// What a service below us failed at is 502, with its name.
const passing = (answer) => (request, response) =>
  answer(request, response).catch((error) => response.status(502).json({ error: error.message }));

app.get('/healthz', (request, response) => response.send('ok\n'));
app.get('/price', passing(async (request, response) => {
  const good = find(request.query.good);
  const count = Number(request.query.count ?? 1);
  if (!good) return response.status(404).json({ error: 'no such good' });
  if (!Number.isInteger(count) || count < 1 || count > 999999) {
    return response.status(400).json({ error: 'count is a number from 1 to 999999' });
  }
  return response.json(await price(good, count));
}));
app.get('/reviews', passing(async (request, response) => response.json(await reviews())));
app.post('/reviews', passing(async (request, response) => {
  const { text } = request.body;
  if (typeof text !== 'string' || !text) {
    return response.status(400).json({ error: 'text is needed' });
  }
  await database.lPush('reviews', text);
  return response.status(201).json({ text });
}));
app.get('/words', passing(async (request, response) => response.json(await words())));
app.get('/', async (request, response) => {
  const kept = (promise) => promise.catch((error) => error);
  const [prices, said, counted] = await Promise.all([
    kept(Promise.all(goods.map((good) => price(good, 12)))),
    kept(reviews()),
    kept(words()),
  ]);
  response.send(page({ prices, reviews: said, words: counted }));
});

const server = app.listen(port, () => console.log(`shop on port ${port}`));
database.connect().catch((error) => console.error(`database: ${error.message}`));
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    server.close();
    server.closeIdleConnections();
    database.disconnect().catch(() => {});
  });
}
