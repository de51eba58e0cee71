# One image for every part of our own: what a container is, its command says.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:24-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production DATA_DIR=/data HOST=0.0.0.0
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY scripts ./scripts
COPY src ./src
COPY workflows ./workflows
COPY activities ./activities
COPY temporal ./temporal
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
# No npm between Docker and the process: it gets the signals itself.
CMD ["node", "src/main/api.ts"]
