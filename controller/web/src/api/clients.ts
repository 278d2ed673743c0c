// The services of the controller that served this page, over gRPC-web.
import { createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { FleetService } from "../gen/drover/v1/fleet_pb";
import { JobService } from "../gen/drover/v1/job_pb";
import { SiteService } from "../gen/drover/v1/site_pb";
import { token } from "../session/session";

const withToken: Interceptor = (next) => (request) => {
  const bearer = token();
  if (bearer) request.header.set("authorization", `Bearer ${bearer}`);
  return next(request);
};

const transport = createGrpcWebTransport({ baseUrl: location.origin, interceptors: [withToken] });

export const fleetService = createClient(FleetService, transport);
export const jobService = createClient(JobService, transport);
export const siteService = createClient(SiteService, transport);
