import { readFileSync } from 'node:fs';
import { Eta } from 'eta';
import express, { type Express, type Response } from 'express';
import { z } from 'zod';
import type { CaughtMessage, CaughtMessages } from './caught-messages.ts';

const eta = new Eta({ autoEscape: true });
const pageTemplate = eta.compile(readFileSync(new URL('templates/messages.html.eta', import.meta.url), 'utf8'));

const SHORT_MESSAGE_BYTES_MAX = '16kb';
const shortMessage = z.object({ id: z.string(), to: z.string(), text: z.string() });

/** What a mail brings along stays inside its frame: no scripts, no requests to anywhere. */
const frame = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";
const page = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'";

/**
 * `GET /` shows what was caught, newest first, and looks again by itself; `GET /messages` says the same as JSON.
 * `POST /sms` and `POST /push` catch `{id, to, text}`.
 */
export function catcherPages(caught: CaughtMessages): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use((_req, res, next) => {
    res.set({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' });
    next();
  });
  app.get('/', (req, res) => {
    const shown = Number(req.query.message) || null;
    res.set('Content-Security-Policy', page).type('html');
    res.send(
      eta.render(pageTemplate, { messages: caught.list(), count: caught.count, shown: shown && caught.find(shown) }),
    );
  });
  app.get('/messages', (_req, res) => {
    res.json({ items: caught.list().map(asJson), count: caught.count });
  });
  app.get('/messages/:number/html', (req, res) => {
    const message = caught.find(Number(req.params.number));
    if (!message?.html) return notThere(res);
    res.set('Content-Security-Policy', frame).type('html').send(message.html);
  });
  app.get('/messages/:number/attachments/:index', (req, res) => {
    const attachment = caught.find(Number(req.params.number))?.attachments[Number(req.params.index)];
    if (!attachment) return notThere(res);
    // Of one kind it is known what a browser does with it.
    const isPdf = attachment.type === 'application/pdf';
    res.attachment(attachment.name).type(isPdf ? 'application/pdf' : 'application/octet-stream');
    if (isPdf) res.set('Content-Disposition', 'inline');
    res.send(attachment.bytes);
  });
  for (const kind of ['sms', 'push'] as const) {
    app.post(`/${kind}`, express.json({ limit: SHORT_MESSAGE_BYTES_MAX }), (req, res) => {
      const parsed = shortMessage.safeParse(req.body);
      if (!parsed.success) return void res.status(400).json({ error: z.prettifyError(parsed.error) });
      const rest = { from: null, subject: null, html: null, attachments: [], caughtAtMs: Date.now() };
      caught.add({ kind, ...parsed.data, ...rest });
      res.status(202).end();
    });
  }
  app.use((_req, res) => notThere(res));
  return app;
}

const notThere = (res: Response): void =>
  void res.status(404).type('text').send('There is no such message (any more).');

const asJson = ({ attachments, caughtAtMs, ...message }: CaughtMessage) => ({
  ...message,
  caughtAt: new Date(caughtAtMs).toISOString(),
  attachments: attachments.map(({ name, type, bytes }, index) => ({
    name,
    type,
    bytes: bytes.length,
    path: `/messages/${message.number}/attachments/${index}`,
  })),
});
