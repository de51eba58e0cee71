import { writeFile } from 'node:fs/promises';
import { openApiDocument } from '../api/operations/openapi.ts';

/**
 * `npm run openapi`: writes the committed copy of the OpenAPI document, which clients are generated from.
 * To be run when a test says that the copy has drifted from the schemas.
 */
const copy = new URL('../contracts/openapi.json', import.meta.url);
await writeFile(copy, `${JSON.stringify(openApiDocument(), null, 2)}\n`);
