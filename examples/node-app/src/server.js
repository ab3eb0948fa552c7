// A guest book: GET / shows it, GET /entries gives it as JSON, POST /entries adds to it.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const express = require('express');
const morgan = require('morgan');

const port = Number(process.env.PORT || 8080);
const file = path.join(process.env.DATA || '/data', 'entries.json');

function load() {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}

function save(entries) {
  fs.writeFileSync(file + '.new', JSON.stringify(entries));
  fs.renameSync(file + '.new', file);
}

const escape = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const entries = load();
const app = express();
app.disable('x-powered-by');
app.use(morgan('tiny'));
app.use(express.json({ limit: '16kb' }));

app.get('/healthz', (request, response) => response.send('ok\n'));
app.get('/entries', (request, response) => response.json(entries));
app.post('/entries', (request, response) => {
  const { name, text } = request.body;
  if (typeof name !== 'string' || typeof text !== 'string' || !name || !text) {
    return response.status(400).json({ error: 'name and text are needed' });
  }
  const entry = { name, text, at: new Date().toISOString() };
  entries.push(entry);
  save(entries);
  return response.status(201).json(entry);
});
app.get('/', (request, response) => {
  const items = entries.map((e) => `<li><b>${escape(e.name)}</b>: ${escape(e.text)}</li>`);
  response.send(`<!doctype html><title>Guest book</title><ul>${items.join('')}</ul>`);
});

const server = app.listen(port, () => console.log(`guest book on port ${port}`));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => server.close());
