/**
 * `module.name` without `node:`; a default import or a whole `require` is the module's own name. Globals by their names. `X()` is what
 * the call or `new X` returned; `?` a value of unknown kind.
 */
import type { SourceGroup } from "./source.ts";

export const JAVASCRIPT_SOURCES: readonly SourceGroup[] = [
  {
    rule: "random-generator",
    mode: "generator",
    names: ["seedrandom", "seedrandom.alea", "chance", "chance.Chance", "random-js.Random", "random-js.MersenneTwister19937.autoSeed", "mersenne-twister", "prando", "@faker-js/faker.Faker", "random-seed.create", "alea"],
  },
  { rule: "seed", mode: "effect", names: ["@faker-js/faker.faker.seed", "faker.seed", "casual.seed"] },
  { rule: "seed", mode: "value", names: ["random-js.MersenneTwister19937.seed", "pure-rand.xoroshiro128plus", "pure-rand.mersenne", "pure-rand.xorshift128plus"] },
  {
    rule: "random-value",
    mode: "value",
    names: ["Math.random", "crypto.randomBytes", "crypto.randomInt", "crypto.getRandomValues", "crypto.webcrypto.getRandomValues", "crypto.randomFillSync", "crypto.pseudoRandomBytes", "lodash.random", "lodash.sample", "lodash.shuffle", "randombytes", "randomstring.generate", "crypto-random-string", "unique-names-generator.uniqueNamesGenerator", "chance().*", "seedrandom()()"],
  },
  {
    rule: "identifier",
    mode: "value",
    names: ["crypto.randomUUID", "crypto.webcrypto.randomUUID", "uuid", "uuid.v1", "uuid.v4", "uuid.v6", "uuid.v7", "uuid/v1", "uuid/v4", "uuid4", "uuidv4", "nanoid", "nanoid.nanoid", "nanoid.customAlphabet()", "nanoid/non-secure.nanoid", "shortid.generate", "ulid.ulid", "ulid.ulid.ulid", "ulid.monotonicFactory", "cuid", "@paralleldrive/cuid2.createId", "ksuid.randomSync", "bson.ObjectId", "mongodb.ObjectId", "short-uuid.generate", "hyperid()", "uid", "lodash.uniqueId", "@lukeed/uuid.v4"],
  },
  {
    rule: "generated-key",
    mode: "value",
    names: ["crypto.generateKeyPairSync", "crypto.generateKeySync", "crypto.subtle.generateKey", "crypto.webcrypto.subtle.generateKey", "jose.generateKeyPair", "jose.generateSecret", "bcrypt.genSaltSync", "bcryptjs.genSaltSync", "tweetnacl.box.keyPair", "tweetnacl.sign.keyPair", "crypto.createECDH().generateKeys", "crypto.createDiffieHellman().generateKeys"],
  },
  {
    rule: "timestamp",
    mode: "value",
    names: ["Date.now", "performance.now", "perf_hooks.performance.now", "process.hrtime", "process.hrtime.bigint", "process.uptime", "moment.utc", "luxon.DateTime.now", "luxon.DateTime.local", "luxon.DateTime.utc", "Temporal.Now.*"],
  },
  { rule: "timestamp", mode: "noargs", names: ["new Date", "Date", "moment", "dayjs", "moment-timezone"] },
  {
    rule: "host-identity",
    mode: "value",
    names: ["os.hostname", "os.networkInterfaces", "process.pid", "process.env.AWS_LAMBDA_LOG_STREAM_NAME", "process.env.HOSTNAME", "node-machine-id.machineIdSync", "ip.address"],
  },
  {
    rule: "secret",
    mode: "value",
    names: ["@aws-sdk/client-secrets-manager.GetSecretValueCommand", "@aws-sdk/client-secrets-manager.BatchGetSecretValueCommand", "@aws-sdk/client-ssm.GetParameterCommand", "@aws-sdk/client-ssm.GetParametersCommand", "@aws-sdk/client-ssm.GetParametersByPathCommand", "@aws-sdk/client-kms.DecryptCommand", "@aws-sdk/client-sts.AssumeRoleCommand", "@aws-sdk/client-sts.GetSessionTokenCommand", "?.getSecretValue", "*SecretsManager().getSecretValue", "*SSM().getParameter", "*SSM().getParameters", "*SSM().getParametersByPath", "*KMS().decrypt", "*STS().assumeRole", "*Signer().getAuthToken", "@aws-lambda-powertools/parameters/secrets.getSecret", "@aws-lambda-powertools/parameters/ssm.getParameter", "@aws-lambda-powertools/parameters/ssm.getParameters", "process.env.AWS_ACCESS_KEY_ID", "process.env.AWS_SECRET_ACCESS_KEY", "process.env.AWS_SESSION_TOKEN", "@aws-sdk/s3-request-presigner.getSignedUrl"],
  },
  {
    rule: "connection",
    mode: "value",
    names: ["mysql.createConnection", "mysql2.createConnection", "mysql2/promise.createConnection", "mysql2/promise", "mariadb.createConnection", "net.connect", "net.createConnection", "tls.connect", "http2.connect", "amqplib.connect", "mongodb.MongoClient.connect", "mssql.connect", "oracledb.getConnection", "ws", "ws.WebSocket", "WebSocket", "typeorm.createConnection", "ioredis", "ioredis.Redis", "dgram.createSocket"],
  },
  {
    rule: "connection",
    mode: "effect",
    names: ["mongoose.connect", "mongoose.createConnection", "pg.Client().connect", "mongodb.MongoClient().connect", "redis.createClient().connect", "mysql.createConnection().connect", "serverless-mysql().connect", "@prisma/client.PrismaClient().$connect", "kafkajs.Kafka().producer().connect", "kafkajs.Kafka().consumer().connect", "typeorm.DataSource().initialize", "sequelize.Sequelize().authenticate"],
  },
  {
    rule: "resolved-address",
    mode: "value",
    names: ["dns.lookup", "dns.resolve", "dns.resolve4", "dns.resolve6", "dns.promises.lookup", "dns.promises.resolve", "dns.promises.resolve4", "dns/promises.lookup", "dns/promises.resolve", "dns/promises.resolve4"],
  },
  {
    rule: "temp-file",
    mode: "value",
    names: ["fs.mkdtempSync", "fs.promises.mkdtemp", "fs/promises.mkdtemp", "tmp.fileSync", "tmp.dirSync", "tmp.tmpNameSync", "tmp-promise.file", "tmp-promise.dir", "tempy.file", "tempy.directory", "tempy.temporaryFile", "tempy.temporaryDirectory", "temp.openSync", "temp.mkdirSync"],
  },
];
