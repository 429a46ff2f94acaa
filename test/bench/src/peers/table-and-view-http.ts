import { Controller, Get, Header, Module, NotFoundException, Param, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { TableAndView, TableAndViewModule } from './table-and-view.js';

@Controller()
class RecordController {
  constructor(private readonly service: TableAndView) {}

  @Get('healthz')
  health(): { readonly ok: true } {
    return { ok: true };
  }

  @Get('records/:patient')
  @Header('content-type', 'application/json; charset=utf-8')
  async record(@Param('patient') patient: string): Promise<string> {
    const view = await this.service.read(patient);
    if (view === null) throw new NotFoundException();
    return view;
  }
}

@Module({})
class TableAndViewHttpModule {
  static register(database: string): DynamicModule {
    return { module: TableAndViewHttpModule, imports: [TableAndViewModule.register(database)], controllers: [RecordController] };
  }
}

/** The same service behind HTTP, as a trust would run it: no tokens, no audit. `fill` is done before it listens. */
export async function serveTableAndView(
  database: string,
  port: number,
  fill: (service: TableAndView) => Promise<void>,
): Promise<NestFastifyApplication> {
  const module = TableAndViewHttpModule.register(database);
  const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), { logger: false });
  const service = app.get(TableAndView);
  await service.migrate();
  await fill(service);
  await app.listen(port, '127.0.0.1');
  return app;
}
