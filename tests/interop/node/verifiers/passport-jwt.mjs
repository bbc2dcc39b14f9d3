import { passportJwtSecret } from "jwks-rsa";
import { Passport } from "passport";
import { ExtractJwt, Strategy } from "passport-jwt";
import { protectedBy } from "../server.mjs";

export function verifier({ algorithm, issuer, audience, jwks_uri, secret }) {
  const keys = secret
    ? { secretOrKey: secret }
    : { secretOrKeyProvider: passportJwtSecret({ jwksUri: jwks_uri }) };
  const options = {
    ...keys,
    jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
    issuer,
    audience,
    algorithms: [algorithm],
  };
  const passport = new Passport();
  passport.use(new Strategy(options, (claims, done) => done(null, { id: claims.sub })));
  return protectedBy(passport.authenticate("jwt", { session: false }));
}
