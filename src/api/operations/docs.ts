import express, { Router } from 'express';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BASE_PATH } from '../../contracts/http/endpoints.ts';
import { EncodedBody } from '../../platform/encoded-body.ts';
import { fingerprintOf } from '../../platform/ids.ts';
import { sendAnswer } from '../http/answer.ts';
import { conditionalAnswer } from '../http/conditional.ts';
import { otherMethods } from '../http/other-methods.ts';
import { openApiDocument } from './openapi.ts';

const OPENAPI_PATH = `${BASE_PATH}/openapi.json`;
const assets = dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/package.json')));
/** The page's files belong to the installed version: a deploy may change them. */
const ASSETS_MAX_AGE_MS = 60 * 60 * 1_000;

/** No inline script: the content security policy forbids it, here as everywhere. */
const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Seatkeeper API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
    <link rel="icon" href="/docs/favicon-32x32.png" />
  </head>
  <body>
    <div id="docs"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;
const start = `SwaggerUIBundle({ url: ${JSON.stringify(OPENAPI_PATH)}, dom_id: '#docs', deepLinking: true });\n`;

export function docsRouter(): Router {
  const document = openApiDocument();
  const body = new EncodedBody(Buffer.from(JSON.stringify(document)));
  const tag = `openapi-${fingerprintOf(document)}`;
  const router = Router();
  router.get(OPENAPI_PATH, async (req, res) =>
    sendAnswer(res, await conditionalAnswer(req.headers, body, tag, 'no-cache')),
  );
  router.get('/', (_req, res) => res.redirect('/docs'));
  router.get('/docs', (_req, res) => void res.type('html').send(page));
  router.get('/docs/start.js', (_req, res) => void res.type('js').send(start));
  router.all([OPENAPI_PATH, '/', '/docs', '/docs/start.js'], otherMethods(['GET']));
  router.use('/docs', express.static(assets, { index: false, maxAge: ASSETS_MAX_AGE_MS, fallthrough: true }));
  return router;
}
